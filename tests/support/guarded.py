"""The headers that each answer of the site has, whole, without a bucket."""

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
    right = {
        "Content-Security-Policy": parts(headers.get("Content-Security-Policy", ""), ";")
        in (POLICY, OF_A_FILE),
        "Permissions-Policy": parts(headers.get("Permissions-Policy", ""), ",") == PERMISSIONS,
        "X-Content-Type-Options": headers.get("X-Content-Type-Options") == "nosniff",
        "X-Frame-Options": headers.get("X-Frame-Options") == "DENY",
        "Cross-Origin-Opener-Policy": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "Referrer-Policy": headers.get("Referrer-Policy") in {"same-origin", "no-referrer"},
    }
    return {name: headers.get(name) for name, is_right in right.items() if not is_right}
