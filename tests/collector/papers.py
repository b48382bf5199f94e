"""PDF and DOCX made by hand, down to the bytes, so that what hurts can be put where it hurts."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(pages: Sequence[Sequence[str]], *, compress: bool = True) -> bytes:
    """Lines of text on pages, in a font of its own with a map to Unicode, as Word writes Vietnamese."""
    signs = {sign: n for n, sign in enumerate(sorted({s for page in pages for line in page for s in line}), 1)}
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H "
        b"/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        4: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /DW 500 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        5: stream(_to_unicode(signs), compress),
    }
    for n, lines in enumerate(pages):
        coded = enumerate(_codes(line, signs) for line in lines)
        shown = "".join(f"1 0 0 1 50 {800 - 14 * y} Tm <{codes}> Tj\n" for y, codes in coded)
        objects[10 + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {11 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        objects[11 + 2 * n] = stream(f"BT /F1 12 Tf\n{shown}ET".encode(), compress)
    return assembled(objects)


def stream(data: bytes, compress: bool = True) -> bytes:
    packed, how = (zlib.compress(data), b"/Filter /FlateDecode ") if compress else (data, b"")
    return b"<< %s/Length %d >>\nstream\n%s\nendstream" % (how, len(packed), packed)


def assembled(objects: dict[int, bytes]) -> bytes:
    out, places = b"%PDF-1.7\n", {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(
        f"{places.get(n, 0):010d} {'00000 n' if n in places else '65535 f'} \n" for n in range(max(objects) + 1)
    )
    head = f"xref\n0 {max(objects) + 1}\n{table}trailer\n<< /Size {max(objects) + 1} /Root 1 0 R >>\n"
    return out + head.encode() + f"startxref\n{len(out)}\n%%EOF".encode()


def _codes(line: str, signs: dict[str, int]) -> str:
    return "".join(f"{signs[sign]:04X}" for sign in line)


def _to_unicode(signs: dict[str, int]) -> bytes:
    rows = [f"<{n:04X}> <{sign.encode('utf-16-be').hex()}>" for sign, n in signs.items()]
    blocks = [rows[i : i + 100] for i in range(0, len(rows), 100)]
    maps = "\n".join(f"{len(b)} beginbfchar\n{chr(10).join(b)}\nendbfchar" for b in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{maps}\nendcmap end end"
    ).encode()


def docx(xml: str | bytes, name: str = "word/document.xml") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(name, xml)
    return out.getvalue()


def word(*paragraphs: str) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return docx(f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
