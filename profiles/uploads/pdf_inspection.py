"""Print one word about the PDF on standard input: good, or what is wrong with it.

resumes.py starts this in a process of its own, which alone pays for a hostile file.
"""

import logging
import resource
import sys
from io import BytesIO

import pikepdf

CPU_SECONDS = 1  # 10 MB in 2,600 pages take 0.1
DATA_BYTES = 80 * 1024 * 1024  # besides twice the file


def main():
    content = sys.stdin.buffer.read()
    data_bytes = DATA_BYTES + 2 * len(content)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pikepdf.settings.set_qpdf_limits(flate_max_memory=data_bytes)  # macOS ignores RLIMIT_DATA
    logging.disable()  # qpdf's complaints about a file are no news for the site's log
    sys.stdout.write(verdict(content))


def verdict(content: bytes) -> str:
    try:
        with pikepdf.open(
            BytesIO(content), attempt_recovery=False, inherit_page_attributes=False
        ) as pdf:
            return "good" if len(pdf.pages) else "no_pages"
    except pikepdf.PasswordError:
        return "password"
    except (pikepdf.exceptions.PikepdfError, ValueError):
        return "damaged"
    except MemoryError:
        return "too_complex"


if __name__ == "__main__":
    main()
