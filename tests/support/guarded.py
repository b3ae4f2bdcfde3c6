"""The headers that each answer of the site has, whole, without a bucket."""

import re

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
}
OF_A_FILE = {"default-src 'none'", "sandbox"}  # of the local twin of a protected file
OF_AN_ERROR = {  # of a page that needs nothing else, and has one inline style
    "default-src 'none'",
    "style-src 'sha256-...'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}
ERRORS = {400, 500, 503}
FORBIDDEN = (
    "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope"
    " magnetometer microphone midi payment usb"
)
PERMISSIONS = {f"{feature}=()" for feature in FORBIDDEN.split()} | {
    "publickey-credentials-create=(self)",
    "publickey-credentials-get=(self)",
}


def parts(header: str, separator: str) -> set[str]:
    return {part.strip() for part in header.split(separator) if part.strip()}


def lacking(response) -> dict:
    """Return the headers of an answer that are not as they have to be."""
    headers = response.headers
    policy = re.sub(
        r"'sha256-[^']{44}'", "'sha256-...'", headers.get("Content-Security-Policy", "")
    )
    allowed = (POLICY, OF_AN_ERROR) if response.status_code in ERRORS else (POLICY, OF_A_FILE)
    right = {
        "Content-Security-Policy": parts(policy, ";") in allowed,
        "Permissions-Policy": parts(headers.get("Permissions-Policy", ""), ",") == PERMISSIONS,
        "X-Content-Type-Options": headers.get("X-Content-Type-Options") == "nosniff",
        "X-Frame-Options": headers.get("X-Frame-Options") == "DENY",
        "Cross-Origin-Opener-Policy": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "Referrer-Policy": headers.get("Referrer-Policy") in {"same-origin", "no-referrer"},
    }
    return {name: headers.get(name) for name, is_right in right.items() if not is_right}
