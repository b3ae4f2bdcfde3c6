"""hashlib.md5 as a machine in FIPS mode has it: for nothing that has to be secure."""

import hashlib


def md5(data=b"", *, usedforsecurity=True):
    if usedforsecurity:
        raise ValueError("[digital envelope routines] unsupported")
    return hashlib.md5(data, usedforsecurity=False)
