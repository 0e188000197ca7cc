//! What watches over the rest: checks, the quality of answers, objectives, alerts, incidents.

room! {
    CHECKS_FAILED: Gauge<1> = ("ibid_health_check_failed", &["check"],
        "Whether a check of readiness fails (1) or passes (0), by check (store, blobs, index, embedder, chat)");
    CERTIFICATE_REMAINING: Gauge<1> = ("ibid_ops_certificate_remaining_seconds", &["host"],
        "Time until the certificate of a host that the configuration names ends; less than 0 where it has");
    QUALITY_ACCURACY: Gauge<0> = ("ibid_quality_accuracy_ratio", &[],
        "Share that was right, 0 to 1: of claims and citations re-verified within a day, or of the last golden questions, whichever is worse");
    QUALITY_GOLDEN: Gauge<0> = ("ibid_quality_golden_ratio", &[],
        "Share of the golden questions that were answered right when they were last asked, 0 to 1");
    QUALITY_CHECKED: Counter<2> = ("ibid_quality_checks_total", &["kind", "outcome"],
        "What was re-verified of answers, by kind (claim, citation, golden) and outcome (right, wrong)");
    QUALITY_AGE: Gauge<0> = ("ibid_quality_golden_time_seconds", &[],
        "When the golden questions were last asked, in seconds since 1970");
    SLO_CHECKS: Counter<2> = ("ibid_slo_checks_total", &["objective", "outcome"],
        "Looks at what an objective watches over time, by objective and outcome (good, bad)");
    ALERTS_FIRING: Gauge<1> = ("ibid_alert_rules_firing", &["severity"],
        "Alerts that fire, by severity (critical, warning, info)");
    ALERT_SECONDS: Gauge<0> = ("ibid_alert_evaluated_time_seconds", &[],
        "When the alert rules were last evaluated, in seconds since 1970");
    NOTIFICATIONS: Counter<2> = ("ibid_notify_deliveries_total", &["receiver", "outcome"],
        "Attempts to tell somebody of alerts, by receiver and outcome (done, failed, dead)");
    AUDIT_SENT: Counter<2> = ("ibid_audit_sendings_total", &["receiver", "outcome"],
        "Attempts to send entries of the audit log elsewhere, by receiver and outcome (done, failed)");
    AUDIT_UNSENT: Gauge<1> = ("ibid_audit_entries_unsent", &["receiver"],
        "Entries of the audit log that a receiver does not have yet");
    AUDIT_UNSENT_AGE: Gauge<1> = ("ibid_audit_unsent_age_seconds", &["receiver"],
        "How long the oldest entry of the audit log that a receiver does not have yet has been waiting");
    INCIDENTS_OPEN: Gauge<1> = ("ibid_incident_records_open", &["priority"],
        "Incidents that are not closed, by priority (P0 to P3)");
}
