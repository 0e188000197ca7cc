//! Small PDF files, written by hand for one purpose each.

/// A file under construction. Fonts: F1 Helvetica, F2 Helvetica-Bold, F3 Courier.
#[derive(Default)]
pub struct Made {
    pages: Vec<String>,
    objects: Vec<String>,
    catalog: String,
    trailer: String,
    resources: String,
}

/// The first object that `Made::object` makes.
const OWN_FROM: usize = 10;

impl Made {
    pub fn page(mut self, content: impl Into<String>) -> Self {
        self.pages.push(content.into());
        self
    }

    /// Gets the next number, from 10 on.
    pub fn object(mut self, body: impl Into<String>) -> Self {
        self.objects.push(body.into());
        self
    }

    pub fn stream(self, entries: &str, data: &str) -> Self {
        self.object(format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len()))
    }

    /// More entries of the catalog.
    pub fn catalog(mut self, entries: &str) -> Self {
        self.catalog = entries.into();
        self
    }

    pub fn trailer(mut self, entries: &str) -> Self {
        self.trailer = entries.into();
        self
    }

    /// More entries of the resources that all pages share.
    pub fn resources(mut self, entries: &str) -> Self {
        self.resources = entries.into();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bodies: Vec<(usize, String)> = vec![
            (1, format!("<< /Type /Catalog /Pages 2 0 R {} >>", self.catalog)),
            (3, font("Helvetica")),
            (4, font("Helvetica-Bold")),
            (5, font("Courier")),
            (6, format!("<< /Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R /F4 10 0 R >> {} >>", self.resources)),
        ];
        bodies.extend(self.objects.iter().enumerate().map(|(index, body)| (OWN_FROM + index, body.clone())));
        let mut next = OWN_FROM + self.objects.len();
        let mut kids = String::new();
        for content in &self.pages {
            kids += &format!("{next} 0 R ");
            bodies.push((next, format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources 6 0 R /Contents {} 0 R >>", next + 1)));
            bodies.push((next + 1, format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len())));
            next += 2;
        }
        bodies.push((2, format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", self.pages.len())));
        write(&bodies, next, &self.trailer)
    }
}

fn font(name: &str) -> String {
    format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
}

fn write(bodies: &[(usize, String)], size: usize, trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = vec![0; size];
    for (number, body) in bodies {
        offsets[*number] = bytes.len();
        bytes.extend(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }
    let start = bytes.len();
    bytes.extend(format!("xref\n0 {size}\n").as_bytes());
    for offset in offsets {
        let kind = if offset == 0 { "65535 f" } else { "00000 n" };
        bytes.extend(format!("{offset:010} {kind} \n").as_bytes());
    }
    bytes.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n").as_bytes(),
    );
    bytes
}

/// Shows a line: font, size, place from the lower left corner.
pub fn line(font: &str, size: u32, x: u32, y: u32, text: &str) -> String {
    format!("BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET\n")
}

/// Lines of body text under each other.
pub fn lines(x: u32, y: u32, texts: &[&str]) -> String {
    texts.iter().zip(0..).map(|(text, row)| line("F1", 10, x, y - 12 * row, text)).collect()
}
