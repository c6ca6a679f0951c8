//! The warning below 20 points of trust: once, and withdrawn when corrections lift it.

use crate::life::{Life, odd_sudo};
use crate::server::Server;
use serde_json::{Value, json};

#[test]
fn a_warning_fires_once_and_is_withdrawn_by_the_correction_that_lifts_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(14, 6000, 60, 48);
    server.train(&life.batches(5000));
    let session = server.live();
    let mut listener = server.listen();
    let people = ["mallory", "eve", "trudy", "oscar", "craig", "walter"];
    for (at, user) in people.iter().enumerate() {
        server.events(&odd_sudo(life.later(5.0 + at as f64), user, &format!("/opt/odd/tool{at} --now")));
        let found = server.anomalies_after(at as u64 + 1);
        assert_eq!(found.len(), at + 1, "each is found");
        let warning = server.get("/api/live/status")["warning"].clone();
        assert_eq!(warning, at >= 4, "80 points below 100 are 20, which is not below 20; {at}");
    }
    let scope = format!("session:{session}");
    let of_session = |notices: Vec<Value>| notices.into_iter().filter(|n| n["scope"] == scope.as_str()).collect::<Vec<_>>();
    let fired = of_session(server.all("/api/v1/notices"));
    assert_eq!((fired.len(), &fired[0]["state"], &fired[0]["trust"]), (1, &json!("firing"), &json!(0.0)), "{fired:?}");
    let trust = server.get("/api/trust");
    assert_eq!((&trust["trust"], &trust["debt"], &trust["warning"]), (&json!(0.0), &json!(120.0), &json!(true)), "{trust}");

    let anomalies = server.all("/api/anomalies");
    let mark = |at: usize, preview: bool| {
        let ask = json!({ "anomaly_id": anomalies[at]["id"], "scope": "anomaly", "comment": "", "preview": preview });
        server.post("/api/admin/mark_normal", &ask)
    };
    mark(0, false);
    assert_eq!(of_session(server.all("/api/v1/notices")), fired, "100 points of debt are still a trust of 0");
    assert_eq!(mark(1, true)["retracted"]["notices"], 1, "the preview knows that the warning goes");
    let lifting = mark(1, false);
    assert_eq!(lifting["retracted"]["notices"], 1, "{lifting}");
    let withdrawn = of_session(server.all("/api/v1/notices"));
    assert_eq!((withdrawn.len(), &withdrawn[0]["state"]), (1, &json!("withdrawn")), "{withdrawn:?}");
    assert_eq!((&withdrawn[0]["id"], &withdrawn[0]["withdrawn_by"]), (&fired[0]["id"], &lifting["mark"]), "{withdrawn:?}");
    let status = server.get("/api/live/status");
    assert_eq!((&status["trust"], &status["warning"]), (&json!(20.0), &json!(false)), "{status}");

    listener.until("notice", |n| n["state"] == "withdrawn" && n["scope"] == scope.as_str());
    let told = of_session(listener.all("notice").into_iter().cloned().collect());
    let states: Vec<_> = told.iter().map(|n| n["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["firing", "withdrawn"]);
    listener.assert_contiguous();
}
