//! fixtures and a test server.
