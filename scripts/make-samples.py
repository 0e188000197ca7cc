#!/usr/bin/env python3
"""Writes the sample files whose formats are not text: PDF, DOCX, PPTX, XLSX, EPUB.

Everything in them was written for this project. Needs Python's standard library, and Chromium for the PDF.
Run it only to change the samples; their results are committed.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent / "samples"
WHEN = (2026, 3, 2, 9, 0, 0)


def pack(name, files, stored_first=None):
    """A zip with fixed times, so that the same content gives the same bytes."""
    with zipfile.ZipFile(HERE / name, "w") as archive:
        for path, text in files.items():
            info = zipfile.ZipInfo(path, WHEN)
            info.compress_type = zipfile.ZIP_STORED if path == stored_first else zipfile.ZIP_DEFLATED
            archive.writestr(info, text)


HANDBOOK = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tern Island Tool Library: Members' Handbook</title>
<style>@page{margin:22mm}body{font:11pt/1.5 serif}h1{font-size:22pt}h2{font-size:15pt;margin-top:1.4em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:3px 9px;text-align:left}.new{break-before:page}</style></head><body>
<h1>Tern Island Tool Library: Members' Handbook</h1>
<p>The Tern Island Tool Library lends tools to the people who live on the island. It was founded in 1987 by the
boat builder Ada Lindqvist, who thought it absurd that forty households should own forty drills that rest forty
weeks of the year.</p>
<h2>Membership</h2>
<p>Anyone who lives on Tern Island for at least three months of the year can become a member. The yearly fee is 24
crowns; it is waived for members under 18 and over 70. A member card is personal and may not be lent.</p>
<h2>Opening hours</h2>
<p>The library is open on Tuesdays and Thursdays from 16:00 to 19:00 and on Saturdays from 10:00 to 14:00. It is
closed during the whole of February, when every tool is cleaned, sharpened and counted.</p>
<h2 class="new">Borrowing</h2>
<p>A hand tool may be kept for 21 days and a power tool for 7 days. A loan can be renewed once, unless another member
has reserved the tool. Up to five tools may be borrowed at the same time.</p>
<p>A late tool costs 2 crowns for each day and tool. After 30 days the library asks for the tool's replacement price
and blocks the card until it is paid.</p>
<table><tr><th>Kind of tool</th><th>Loan</th><th>Renewals</th><th>Deposit</th></tr>
<tr><td>Hand tool</td><td>21 days</td><td>1</td><td>none</td></tr>
<tr><td>Power tool</td><td>7 days</td><td>1</td><td>50 crowns</td></tr>
<tr><td>Ladder or scaffold</td><td>3 days</td><td>0</td><td>100 crowns</td></tr></table>
<h2>Damage</h2>
<p>Tell us about damage; nobody is scolded for it. Normal wear is free. For damage by misuse the member pays half of
the repair, at most 80 crowns.</p>
<h2 class="new">Safety</h2>
<p>Chain saws are lent only to members who have passed the library's two-hour saw course. Helmet, visor and cut-proof
trousers are lent with the saw free of charge and must be worn. A tool with a red tag is defective and must not be
used, not even for a moment.</p>
</body></html>"""


def pdf():
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "handbook.html"
        page.write_text(HANDBOOK, encoding="utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
             f"--print-to-pdf={HERE / 'members-handbook.pdf'}", page.as_uri()],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CORE = """<?xml version="1.0" encoding="UTF-8"?><cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>%s</dc:title><dc:creator>%s</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">2026-03-02T09:00:00Z</dcterms:created></cp:coreProperties>"""


def content_types(*overrides):
    parts = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides)
    core = '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    return (f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{TYPES}"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/>{parts}{core}</Types>')


def relations(*entries):
    body = "".join(f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(entries, 1))
    return f'<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="{RELS}">{body}</Relationships>'


def package_relations(target):
    return relations((f"{OFFICE}/officeDocument", target),
                     ("http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml"))


def docx():
    def paragraph(text, style=None):
        properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{properties}<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>"

    def table(rows):
        cell = lambda text: f"<w:tc><w:tcPr/>{paragraph(text)}</w:tc>"
        return "<w:tbl><w:tblPr/>" + "".join("<w:tr>" + "".join(map(cell, row)) + "</w:tr>" for row in rows) + "</w:tbl>"

    body = "".join([
        paragraph("Minutes of the Spring Meeting", "Title"),
        paragraph("Held on 14 March 2026 in the net loft. Chair: Ingrid Vale. Minutes: Tomas Reed."),
        paragraph("Purchases", "Heading1"),
        paragraph("The meeting decided to buy a second pressure washer for 410 crowns and to replace the lathe's "
                  "motor. The purchase of a wood chipper was rejected by nine votes to four, because of the noise."),
        paragraph("Offices", "Heading1"),
        paragraph("Ingrid Vale was elected chair for two years. Tomas Reed stays treasurer."),
        table([["Office", "Holder", "Until"], ["Chair", "Ingrid Vale", "2028"], ["Treasurer", "Tomas Reed", "2027"],
               ["Workshop keeper", "Noor Haddad", "2027"]]),
    ])
    style = lambda name, level: (f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{level}"/></w:style>')
    pack("spring-meeting.docx", {
        "[Content_Types].xml": content_types(
            ("/word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"),
            ("/word/styles.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml")),
        "_rels/.rels": package_relations("word/document.xml"),
        "docProps/core.xml": CORE % ("Minutes of the Spring Meeting", "Tomas Reed"),
        "word/_rels/document.xml.rels": relations((f"{OFFICE}/styles", "styles.xml")),
        "word/styles.xml": f'<?xml version="1.0" encoding="UTF-8"?><w:styles xmlns:w="{WORD}">' + style("Title", "Title") + style("Heading1", "heading 1") + "</w:styles>",
        "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{WORD}"><w:body>{body}<w:sectPr/></w:body></w:document>',
    })


DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"


def pptx():
    def slide(title, points):
        def shape(number, kind, texts):
            paragraphs = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in texts)
            return (f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{kind}"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}"/></p:nvPr>'
                    f'</p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>{paragraphs}</p:txBody></p:sp>')
        return (f'<?xml version="1.0" encoding="UTF-8"?><p:sld xmlns:p="{SLIDES}" xmlns:a="{DRAWING}"><p:cSld><p:spTree>'
                f'<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
                f'{shape(2, "title", [title])}{shape(3, "body", points)}</p:spTree></p:cSld></p:sld>')

    slides = [
        slide("Sharpening a plane iron", ["Introduction for new members", "Noor Haddad, workshop keeper"]),
        slide("Before you begin", ["Flatten the back of the iron on the 1000 stone.", "Soak water stones for ten minutes."]),
        slide("The angle", ["Grind the primary bevel at 25 degrees.", "Hone a secondary bevel at 30 degrees.",
                            "Use the brass honing guide from drawer 12."]),
    ]
    files = {
        "[Content_Types].xml": content_types(
            ("/ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"),
            *[(f"/ppt/slides/slide{n}.xml", "application/vnd.openxmlformats-officedocument.presentationml.slide+xml") for n in range(1, 4)]),
        "_rels/.rels": package_relations("ppt/presentation.xml"),
        "docProps/core.xml": CORE % ("Sharpening a plane iron", "Noor Haddad"),
        "ppt/_rels/presentation.xml.rels": relations(*[(f"{OFFICE}/slide", f"slides/slide{n}.xml") for n in range(1, 4)]),
        "ppt/presentation.xml": f'<?xml version="1.0" encoding="UTF-8"?><p:presentation xmlns:p="{SLIDES}" xmlns:r="{OFFICE}"><p:sldIdLst>'
        + "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, 4)) + "</p:sldIdLst></p:presentation>",
    }
    files.update({f"ppt/slides/slide{n}.xml": text for n, text in enumerate(slides, 1)})
    pack("sharpening.pptx", files)


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx():
    def sheet(rows):
        def cell(value, column, row):
            name = f"{chr(65 + column)}{row}"
            if isinstance(value, str):
                return f'<c r="{name}" t="inlineStr"><is><t>{value}</t></is></c>'
            return f'<c r="{name}"><v>{value}</v></c>'
        body = "".join(f'<row r="{r}">' + "".join(cell(v, c, r) for c, v in enumerate(row)) + "</row>" for r, row in enumerate(rows, 1))
        return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{SHEET}"><sheetData>{body}</sheetData></worksheet>'

    tools = sheet([["Tool", "Shelf", "Bought", "Price in crowns"], ["Cordless drill", "B2", 2021, 129], ["Jack plane", "A4", 1994, 85],
                   ["Tile cutter", "C1", 2019, 210], ["Pressure washer", "Yard", 2023, 380], ["Wood lathe", "Workshop", 2008, 1450]])
    repairs = sheet([["Tool", "Fault", "Cost in crowns"], ["Wood lathe", "Worn motor", 260], ["Tile cutter", "Broken wheel", 35]])
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    pack("inventory.xlsx", {
        "[Content_Types].xml": content_types(("/xl/workbook.xml", f"{kind}.sheet.main+xml"), ("/xl/worksheets/sheet1.xml", f"{kind}.worksheet+xml"),
                                             ("/xl/worksheets/sheet2.xml", f"{kind}.worksheet+xml")),
        "_rels/.rels": package_relations("xl/workbook.xml"),
        "docProps/core.xml": CORE % ("Inventory", "Noor Haddad"),
        "xl/_rels/workbook.xml.rels": relations((f"{OFFICE}/worksheet", "worksheets/sheet1.xml"), (f"{OFFICE}/worksheet", "worksheets/sheet2.xml")),
        "xl/workbook.xml": f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="Tools" sheetId="1" r:id="rId1"/><sheet name="Repairs" sheetId="2" r:id="rId2"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": tools,
        "xl/worksheets/sheet2.xml": repairs,
    })


def epub():
    chapter = lambda title, *texts: ('<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>'
                                     f"{title}</title></head><body><h1>{title}</h1>" + "".join(f"<p>{text}</p>" for text in texts) + "</body></html>")
    pack("island-history.epub", {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "book.opf": '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">tern-island-history</dc:identifier><dc:title>A Short History of Tern '
        'Island</dc:title><dc:creator>Ada Lindqvist</dc:creator><dc:language>en</dc:language><dc:date>2004-05-01</dc:date></metadata><manifest>'
        '<item id="c1" href="light.xhtml" media-type="application/xhtml+xml"/><item id="c2" href="ferry.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="c1"/><itemref idref="c2"/></spine></package>',
        "light.xhtml": chapter("The lighthouse", "The lighthouse on the north point was lit for the first time on 3 October 1861. Its first keeper, "
                               "Elias Brandt, kept it for thirty-four years and missed no night.", "The lamp was electrified in 1932 and has been automatic since 1979."),
        "ferry.xhtml": chapter("The ferry", "Until 1913 the mail came by rowing boat. The first steam ferry, the Kittiwake, crossed the sound in fifty "
                               "minutes; the ferry of today needs twenty."),
    }, stored_first="mimetype")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["pdf", "docx", "pptx", "xlsx", "epub"]
    for name in wanted:
        globals()[name]()
