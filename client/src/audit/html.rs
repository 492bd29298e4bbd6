//! The report as one page of HTML: for a file that people pass around, so it loads nothing and runs nothing.
//!
//! Everything that comes from outside is hostile text (T37): it is escaped, and the page forbids whatever could still run.

use std::fmt::Write as _;

use super::report::{AuditReport, Compared};

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-STYLE'; base-uri 'none'; form-action 'none'\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>Holdfast audit</title>\n<style>";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;border-bottom:1px solid #ccc}\
td{overflow-wrap:anywhere}.good{color:#175c2c}.bad{color:#a11212}code{font-family:ui-monospace,monospace}";

/// Writes the page.
pub fn to_html(report: &AuditReport) -> String {
    let mut page = HEAD.replace("STYLE", &style_digest());
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<h1>Audit of ");
    escape(&mut page, report.origin.as_str());
    page.push_str("</h1>\n");
    if report.is_clean() {
        page.push_str("<p class=\"good\"><strong>Everything holds.</strong></p>\n");
    } else {
        let _ = writeln!(
            page,
            "<p class=\"bad\"><strong>{} thing(s) do not hold.</strong></p>",
            report.findings_total
        );
    }
    table(&mut page, "What was audited", &about(report));
    findings(&mut page, report);
    table(&mut page, "What was compared with the registry", &compared(&report.compared));
    let statements: Vec<_> =
        report.statements.iter().map(|(kind, count)| (kind.to_string(), count.to_string())).collect();
    table(&mut page, "Statements", &statements);
    let policies: Vec<_> = report
        .policies
        .iter()
        .map(|policy| {
            (format!("policy {}", policy.number), format!("entry {}, {}", policy.index, policy.time))
        })
        .collect();
    table(&mut page, "Chain of policies", &policies);
    if !report.notes.is_empty() {
        page.push_str("<h2>Notes</h2>\n<ul>\n");
        for note in &report.notes {
            page.push_str("<li>");
            escape(&mut page, note);
            page.push_str("</li>\n");
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

type Rows = [(String, String)];

fn about(report: &AuditReport) -> Vec<(String, String)> {
    [
        ("log", report.origin.to_string()),
        ("read from", report.source.clone()),
        ("ended", report.time.to_string()),
        ("size", report.size.to_string()),
        ("root", report.root.to_string()),
        ("judged by this audit", format!("entries from {} on", report.resumed_from)),
        ("taken on trust", format!("{} entries", report.from)),
        ("artifacts", report.artifacts.to_string()),
        ("channels", report.channels.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn compared(compared: &Compared) -> Vec<(String, String)> {
    let mut rows = vec![("registry", compared.registry.clone().unwrap_or_else(|| "none".to_owned()))];
    if let Some(why) = &compared.not_asked {
        rows.push(("not asked, or not to the end", why.clone()));
    }
    rows.extend([
        ("channels", compared.channels.to_string()),
        ("lines: known-good, with pins, expiry and denies", compared.known_good.to_string()),
        ("histories", compared.histories.to_string()),
        ("gates: freezes, calendar windows, denies, scrubs", compared.gates.to_string()),
        ("denies of artifacts", compared.denies.to_string()),
        ("grants", compared.grants.to_string()),
        ("windows of artifacts", compared.windows.to_string()),
    ]);
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn table(page: &mut String, title: &str, rows: &Rows) {
    let _ = writeln!(page, "<h2>{title}</h2>\n<table>");
    for (name, value) in rows {
        page.push_str("<tr><th>");
        escape(page, name);
        page.push_str("</th><td>");
        escape(page, value);
        page.push_str("</td></tr>\n");
    }
    page.push_str("</table>\n");
}

fn findings(page: &mut String, report: &AuditReport) {
    if report.findings.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Findings</h2>\n<table>\n<tr><th>kind</th><th>where</th><th>what</th><th>what to do</th></tr>\n",
    );
    for finding in &report.findings {
        let place = finding.index.map(|index| format!("entry {index}"));
        let place = place.into_iter().chain(finding.channel.as_ref().map(ToString::to_string));
        let place = place.collect::<Vec<_>>().join(", ");
        page.push_str("<tr>");
        for cell in [finding.kind.name(), &place, &finding.what, finding.kind.advice()] {
            page.push_str("<td>");
            escape(page, cell);
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
    let left_out = report.findings_total.saturating_sub(report.findings.len() as u64);
    if left_out > 0 {
        let _ = writeln!(page, "<p>{left_out} more are not listed.</p>");
    }
}

/// Characters that mean something to HTML become references; those that are not seen, or turn text around, their number.
fn escape(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(page, "\\u{{{:04x}}}", u32::from(character));
            }
            character if character.is_control() => {
                let _ = write!(page, "\\u{{{:04x}}}", u32::from(character));
            }
            character => page.push(character),
        }
    }
}

fn style_digest() -> String {
    use base64::Engine as _;
    let digest = holdfast_formats::digest::Sha256Digest::of(STYLE.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use holdfast_formats::time::Timestamp;
    use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

    use super::super::finding::{Finding, FindingKind};
    use super::*;

    fn report(what: &str) -> AuditReport {
        let size = TreeSize::new(3).unwrap();
        AuditReport {
            origin: "example/log".parse().unwrap(),
            source: what.to_owned(),
            time: Timestamp::from_ms(0),
            size,
            root: TreeHash::empty(),
            resumed_from: TreeSize::ZERO,
            from: TreeSize::ZERO,
            entries: 3,
            artifacts: 1,
            channels: 1,
            statements: BTreeMap::new(),
            policies: Vec::new(),
            compared: Compared { not_asked: Some(what.to_owned()), ..Compared::nothing() },
            notes: vec![what.to_owned()],
            findings: vec![Finding::new(FindingKind::Refused, what).at(LeafIndex::new(1).unwrap())],
            findings_total: 5,
        }
    }

    #[test]
    fn t37_hostile_text_is_inert_and_the_page_may_run_nothing() {
        for hostile in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'--><svg/onload=alert(1)>",
            "</style><script>alert(1)</script>",
            "javascript:alert(1)",
            "<a href=javascript:alert(1)>x</a>",
        ] {
            let page = to_html(&report(hostile));
            let ours = to_html(&report("x"));
            for sign in ["<", ">", "\""] {
                assert_eq!(page.matches(sign).count(), ours.matches(sign).count(), "{hostile}: {sign}");
            }
            assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<svg"), "{page}");
        }
        let page = to_html(&report("x"));
        assert!(page.contains("default-src 'none'") && !page.contains("unsafe-inline"), "{page}");
        assert!(page.contains("4 more are not listed"), "{page}");
    }

    #[test]
    fn t36_what_turns_or_hides_text_is_shown_by_its_number() {
        let page = to_html(&report("a\u{202e}b\u{1b}c\u{200b}\u{0}"));
        assert!(page.contains("a\\u{202e}b\\u{001b}c\\u{200b}\\u{0000}"), "{page}");
    }
}
