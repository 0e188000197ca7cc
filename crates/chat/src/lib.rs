//! the ask flow: answer, claims, citations, verification, abstention.
