//! The HTML report in Chromium: no request, no complaint, the figures of the JSON form, three widths in
//! light and dark, contrast and structure, paper. Pictures are left in `target/screenshots`.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/figures.rs"]
mod figures;
mod plan_fixture;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use browser::Browser;
use plimsoll::report::{Format, RenderOptions, json, render};
use serde_json::Value;

const AUDIT: &str = include_str!("browser/audit.js");
/// A phone, a tablet, a desk.
const WIDTHS: [u32; 3] = [375, 768, 1440];

/// Two teams in two namespaces; one of them sleeps at night.
const DAY_AND_NIGHT: &str = "\
plimsoll: workloads/v1
name: Day and night
components:
  - name: web
    namespace: shop
    replicas: 4
    requests: {cpu: 1, memory: 2Gi}
    owners: {team: storefront}
    demand:
      hourlyReplicas: [2, 2, 2, 2, 2, 2, 2, 2, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 2, 2, 2, 2]
  - name: ledger
    namespace: back-office
    replicas: 3
    requests: {cpu: 500m, memory: 3Gi}
    owners: {team: finance}
";

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The page and the JSON form of a plan of the command.
fn planned(name: &str, args: &[&str]) -> (PathBuf, Value) {
    let run = |args: &[&str]| {
        let output =
            Command::cargo_bin("plimsoll").expect("the binary").args(args).output().expect("it runs");
        assert!(!output.stdout.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let saved = run(&[&["plan", "-q", "--effort", "quick", "-f", "json"], args].concat());
    let json = serde_json::from_slice(&saved).expect("JSON");
    let (plan, page) = (folder().join(format!("{name}.json")), folder().join(format!("{name}.html")));
    std::fs::write(&plan, saved).expect("a file");
    let plan = plan.to_str().expect("UTF-8");
    std::fs::write(&page, run(&["report", plan, "-f", "html"])).expect("a file");
    (page, json)
}

/// The page and the JSON form of a sweep of the command.
fn swept(name: &str, args: &[&str]) -> (PathBuf, Value) {
    let run = |format: &str| {
        let args = [&["sweep", "-q", "--effort", "quick", "-f", format], args].concat();
        let output =
            Command::cargo_bin("plimsoll").expect("the binary").args(args).output().expect("it runs");
        assert!(!output.stdout.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let page = folder().join(format!("{name}.html"));
    std::fs::write(&page, run("html")).expect("a file");
    (page, serde_json::from_slice(&run("json")).expect("JSON"))
}

/// Three workloads that fit and one that does not, with a second scenario for hostile names.
fn small(hostile: bool) -> (PathBuf, Value) {
    let mut saved = String::from_utf8(json::render(&plan_fixture::report(None))).expect("UTF-8");
    if hostile {
        let name = r#"</title></svg><script>document.title='run'</script><img src=http://example.invalid/ onerror=alert(1)>\"'><svg onload=alert(2)>"#;
        saved = saved
            .replace("shop/Deployment/web", &format!("shop/Deployment/{name}"))
            .replace("shop.yaml", name);
    }
    let report = json::parse(saved.as_bytes()).expect("a report");
    let page = folder().join(if hostile { "hostile.html" } else { "small.html" });
    std::fs::write(&page, render(&report, Format::Html, &RenderOptions::default()).expect("it renders"))
        .expect("a file");
    (page, serde_json::from_str(&saved).expect("JSON"))
}

#[test]
fn the_page_in_chromium() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: there is no Chromium here (Debian: apt-get install chromium)");
        return;
    };
    let by_hour = folder().join("day-and-night.yaml");
    std::fs::write(&by_hour, DAY_AND_NIGHT).expect("a file");
    let by_hour = by_hour.to_str().expect("UTF-8");
    let committed = [
        &[by_hour, "--commit", "--levels", "2", "--horizon", "1", "--family", "m5", "--accounts"][..],
        &["--commit-kind", "reserved-standard", "--showback", "team", "--baselines", "before"],
    ];
    let boutique = "workloads/online-boutique.yaml";
    let measured =
        ["--usage", "docs/online-boutique-usage.csv", "--right-size", "p95+15%", "--baselines", "none"];
    let spot = [boutique, "--spot", "100%", "--family", "m5", "--baselines", "none"];
    let tight = ["--tightness", "always", "--family", "m5"];
    let running = ["--cluster", "workloads/aks-cluster-a-running.yaml", "--baselines", "none"];
    let manifests = "workloads/online-boutique-manifests.yaml";
    let accounts = [manifests, "--survive", "node", "--accounts", "--showback", "namespace"];
    let curves =
        [boutique, "--vary", "headroom=0..40%:20", "--vary", "basis=requests,limits", "--family", "m5"];
    let cases = [
        ("small", small(false)),
        ("hostile", small(true)),
        ("cluster", planned("cluster", &running)),
        ("accounts", planned("accounts", &accounts)),
        ("committed", planned("committed", &committed.concat())),
        ("measured", planned("measured", &[&[boutique][..], &measured, &tight].concat())),
        ("spot", planned("spot", &spot)),
        ("sweep", swept("sweep", &curves)),
    ];
    for (name, (page, json)) in cases {
        browser.show(1440, 900, false);
        browser.open(&page);
        let title = browser.evaluate("document.title");
        assert!(
            title
                .as_str()
                .is_some_and(|title| title.starts_with("Plan for ") || title.starts_with("Sweep of ")),
            "{name}: {title}"
        );
        the_figures(&mut browser, &json);
        for width in WIDTHS {
            for dark in [false, true] {
                let at = format!("{name}, {width} px, {}", if dark { "dark" } else { "light" });
                browser.show(width, 900, dark);
                browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })");
                let wrong = browser.evaluate(AUDIT);
                assert_eq!(wrong, Value::Array(Vec::new()), "{at}");
                browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = false })");
                let height =
                    browser.evaluate("document.documentElement.scrollHeight").as_u64().expect("pixels");
                browser.show(width, u32::try_from(height.min(12_000)).expect("few"), dark);
                let scheme = if dark { "dark" } else { "light" };
                browser.screenshot(&folder().join(format!("{name}-{width}-{scheme}.png")));
            }
        }
        let pdf = browser.pdf(&folder().join(format!("{name}.pdf")));
        assert!(pdf.starts_with(b"%PDF-"), "{name}");
        // A4 is 595 x 842 points.
        let text = String::from_utf8_lossy(&pdf);
        let sizes: Vec<&str> = text.split("/MediaBox [").skip(1).map(|rest| &rest[..12]).collect();
        assert!(
            !sizes.is_empty() && sizes.iter().all(|size| size.starts_with("0 0 594.9")),
            "{name}: {sizes:?}"
        );
        let (requests, complaints) = browser.requests_and_complaints();
        assert_eq!(requests.len(), 1, "{name}: the page and nothing else: {requests:?}");
        assert_eq!(complaints, Vec::<String>::new(), "{name}");
    }
}

/// All figures of the page against the JSON form.
fn the_figures(browser: &mut Browser, json: &Value) {
    let script = "[...document.querySelectorAll('data[data-json]')].map((d) => [d.dataset.json, d.value, d.textContent])";
    let found = browser.evaluate(script);
    let found = found.as_array().expect("a list");
    assert!(found.len() > 40, "{}", found.len());
    for figure in found {
        let text = |index: usize| figure[index].as_str().expect("a text");
        figures::same(json, text(0), text(1), text(2));
    }
}
