//! What guards saw: attacks in questions and documents, and what was taken out of answers.

room! {
    GUARD_QUESTIONS: Counter<1> = ("ibid_guard_questions_total", &["outcome"],
        "Questions that read as an attack on the rules, by outcome (flagged, refused)");
    GUARD_DOCUMENTS: Counter<0> = ("ibid_guard_documents_total", &[],
        "Documents that ingest found to give orders to a model");
    GUARD_ANSWERS: Counter<2> = ("ibid_guard_answer_findings_total", &["kind", "action"],
        "What was seen in answers and their sources, by kind (passage, api_key, email, image, link, ...) and action (flagged, redacted, removed, refused)");
}
