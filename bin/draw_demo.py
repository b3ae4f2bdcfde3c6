#!/usr/bin/env python
"""Draw the demo members: avatars and resumes in profiles/demo/, made again from members.toml.

    bin/draw_demo.py                        all of them
    bin/draw_demo.py tadhg-o-briain ...     these members
    bin/draw_demo.py --sheet sheet.png      all portraits on one picture, to look at

Portraits are stacked from the parts in drawing/portrait.svg, resumes are drawing/resume.html.
Chromium draws both (playwright's own, or the one that --chromium names).
"""

import argparse
import math
import random
import re
import sys
import tomllib
from io import BytesIO
from pathlib import Path

import pikepdf
from django.template import Context, Engine
from PIL import Image
from playwright.sync_api import sync_playwright

DEMO = Path(__file__).resolve().parent.parent / "profiles" / "demo"
PIXELS = 512
OVERSAMPLING = 2  # drawn at twice the size and scaled down: smoother edges
WEBP_QUALITY = 88
CONTOUR_STEP = 40
SHEET_COLUMNS = 7
RESUME_INKS = ["#34496b", "#8a3b2a", "#2a5a5f", "#6b3f57", "#4a5d33"]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PARTS = (DEMO / "drawing" / "portrait.svg").read_text(encoding="utf-8")
PART_NAMES = set(re.findall(r'id="([\w-]+)"', PARTS))
RESUME = Engine().from_string((DEMO / "drawing" / "resume.html").read_text(encoding="utf-8"))


def main():
    options = parse_arguments()
    members = tomllib.loads((DEMO / "members.toml").read_text(encoding="utf-8"))["members"]
    if options.slugs:
        members = [member for member in members if member["slug"] in options.slugs]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=options.chromium, args=CHROMIUM_FLAGS)
        if options.sheet:
            draw_sheet(chromium, members, options.sheet)
        else:
            draw_avatars(chromium, members)
            print_resumes(chromium, members)
        chromium.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("slugs", nargs="*", help="members to draw (default: all)")
    parser.add_argument("--sheet", type=Path, help="write one picture of all portraits instead")
    parser.add_argument("--chromium", help="the browser to draw with")
    return parser.parse_args()


def draw_avatars(chromium, members):
    page = chromium.new_page(
        viewport={"width": PIXELS, "height": PIXELS}, device_scale_factor=OVERSAMPLING
    )
    for member in members:
        if "portrait" in member:
            page.set_content(f"<body style='margin: 0'>{PARTS}{portrait(member)}</body>")
            drawing = Image.open(BytesIO(page.screenshot())).convert("RGB")
            drawing.resize((PIXELS, PIXELS), Image.Resampling.LANCZOS).save(
                DEMO / "avatars" / f"{member['slug']}.webp", quality=WEBP_QUALITY, method=6
            )
    page.close()


def draw_sheet(chromium, members, path):
    drawn = [portrait(member) for member in members if "portrait" in member]
    side = 256
    rows = math.ceil(len(drawn) / SHEET_COLUMNS)
    page = chromium.new_page(viewport={"width": side * SHEET_COLUMNS, "height": side * rows})
    page.set_content(
        f"<style>.portrait {{ width: {side}px; height: {side}px; float: left }}</style>"
        f"<body style='margin: 0'>{PARTS}{''.join(drawn)}</body>"
    )
    page.screenshot(path=path)


def portrait(member):
    """Stack the parts that a member's portrait names, from the backdrop to the glasses."""
    spec = member["portrait"]
    if unknown := set(spec["parts"].split()) - PART_NAMES - {"mouth-none"}:
        sys.exit(f"{member['slug']}: portrait.svg has no {', '.join(sorted(unknown))}")
    parts = dict(part.partition("-")[::2] for part in spec["parts"].split())
    colours = "; ".join(
        f"--{name}: {value}" for name, value in spec.items() if str(value).startswith("#")
    )
    hair, face, beard = f"hair-{parts['hair']}", f"face-{parts['face']}", parts.get("beard")
    on_skin = ["face-shade", "blush", "freckles" if "freckles" in parts else ""]
    if beard == "stubble":
        on_skin.append("beard-stubble")
    features = [
        f"beard-{beard}" if beard and beard != "stubble" else "",
        "beard-mouth" if parts["mouth"] == "none" and beard != "moustache" else "",
        *(f"{name}-{parts[name]}" for name in ("mouth", "nose", "eyes", "brows")),
        "bindi" if "bindi" in parts else "",
        hair,
        *(f"{name}-{parts[name]}" for name in ("ornament", "glasses") if name in parts),
    ]
    return f"""
      <svg class="portrait" viewBox="0 0 512 512" style="{colours}; display: block">
        <rect width="512" height="512" fill="var(--backdrop)"/>
        {contour_lines(member["slug"])}
        <g transform="translate(256 322) scale(1.18) translate(-256 -300)">
          <g transform="rotate({spec["tilt"]} 256 330)">{use(f"{hair}-behind")}</g>
          <g transform="translate(256 -10) scale({spec.get("build", 1)} 1) translate(-256 0)">
            {use("neck")}{use(f"top-{parts['top']}")}
          </g>
          {use(f"{hair}-over")}
          <g transform="rotate({spec["tilt"]} 256 330)">
            {use("ears")}
            <g class="skin">{use(face)}</g>
            <g clip-path="url(#in-{parts["face"]})">{"".join(map(use, on_skin))}</g>
            {"".join(map(use, features))}
          </g>
          {use(f"{hair}-wrap")}
        </g>
      </svg>"""


def use(part):
    return f'<use href="#{part}"/>' if part in PART_NAMES else ""


def contour_lines(slug):
    """A hill in the backdrop, as on a map, each member's her own."""
    chance = random.Random(slug)
    x, y = chance.choice([70, 120, 400, 450]), chance.uniform(40, 260)
    shape = [
        (waves, chance.uniform(0.02, 0.3 / waves), chance.uniform(0, 6)) for waves in (2, 3, 5)
    ]
    lines = []
    for number in range(1, 16):
        points = []
        for degrees in range(0, 360, 4):
            angle = math.radians(degrees)
            radius = (
                number
                * CONTOUR_STEP
                * (1 + sum(size * math.sin(waves * angle + turn) for waves, size, turn in shape))
            )
            points.append(f"{x + radius * math.cos(angle):.1f} {y + radius * math.sin(angle):.1f}")
        width = 4 if number % 4 == 0 else 2
        lines.append(f'<path d="M{"L".join(points)}Z" stroke-width="{width}"/>')
    return f'<g fill="none" stroke="var(--backdrop-line)">{"".join(lines)}</g>'


def print_resumes(chromium, members):
    page = chromium.new_page()
    for member in members:
        if "resume" in member:
            ink = random.Random(member["slug"]).choice(RESUME_INKS)
            content = Context({"member": member, "ink": ink, **member["resume"]})
            page.set_content(RESUME.render(content))
            drawn = page.pdf(prefer_css_page_size=True, print_background=True)
            save_resume(drawn, member["name"], DEMO / "resumes" / f"{member['slug']}.pdf")
    page.close()


def save_resume(drawn, name, path):
    """Keep the pages, and say nothing of the machine that drew them or of the hour."""
    with pikepdf.open(BytesIO(drawn)) as pdf:
        pdf.docinfo = pdf.make_indirect(pikepdf.Dictionary(Title=name, Author=name))
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        pdf.save(
            path,
            deterministic_id=True,
            recompress_flate=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )


if __name__ == "__main__":
    main()
