//! A multipart form in memory.

use ibid_types::JobId;

/// Parts are appended; `finish` closes the form.
#[derive(Debug)]
pub struct Form {
    boundary: String,
    bytes: Vec<u8>,
}

impl Form {
    pub fn new() -> Self {
        Self { boundary: format!("ibid-{}", JobId::new()), bytes: Vec::new() }
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.head(&format!("name=\"{name}\""), None);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub fn file(&mut self, name: &str, file_name: &str, media_type: Option<&str>, bytes: &[u8]) {
        let file_name = file_name.replace(['"', '\r', '\n'], "_");
        let kind = media_type.unwrap_or("application/octet-stream");
        self.head(&format!("name=\"{name}\"; filename=\"{file_name}\""), Some(kind));
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        self.bytes
    }

    fn head(&mut self, disposition: &str, media_type: Option<&str>) {
        let kind = media_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let head =
            format!("--{}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n", self.boundary);
        self.bytes.extend_from_slice(head.as_bytes());
    }
}
