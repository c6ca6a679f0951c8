//! `/ws` and `/api/stream`, with a real WebSocket client.

use super::fake::subscription;
use super::{Server, loopback, start, start_with};
use crate::config::WebConfig;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn join(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Result<(Client, Option<String>), Error> {
    let mut request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (client, response) = connect_async(request).await?;
    let protocol = response.headers().get("sec-websocket-protocol").map(|p| p.to_str().unwrap().to_owned());
    Ok((client, protocol))
}

async fn refusal(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
    match join(server, path, headers).await {
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            (response.status().as_u16(), serde_json::from_slice::<Value>(body).unwrap()["code"].clone())
        }
        other => panic!("{other:?}"),
    }
}

async fn text(client: &mut Client) -> String {
    match client.next().await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn frames_come_in_order_and_the_subprotocol_is_taken_where_offered() {
    let server = start();
    let (subscribed, hub) = subscription("s", 4, &["hello", "snapshot"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let origin = server.origin();
    let headers = [("sec-websocket-protocol", "other, trustfold.v1"), ("origin", origin.as_str())];
    let (mut client, protocol) = join(&server, "/ws", &headers).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("trustfold.v1"));
    assert_eq!((text(&mut client).await, text(&mut client).await), ("hello".into(), "snapshot".into()));
    for seq in 5..8 {
        hub.send((seq, format!("frame {seq}").into())).await.unwrap();
        assert_eq!(text(&mut client).await, format!("frame {seq}"));
    }
    client.send(Message::Close(None)).await.unwrap();
    hub.closed().await;

    let (subscribed, _hub) = subscription("s", 4, &["hello"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let (mut plain, protocol) = join(&server, "/ws", &[]).await.unwrap();
    assert_eq!((protocol, text(&mut plain).await), (None, "hello".into()));
}

#[tokio::test]
async fn a_client_can_resume() {
    let server = start();
    let (subscribed, _hub) = subscription("s", 9, &["resumed"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let (mut client, _) = join(&server, "/ws?stream=s&last_seq=7", &[]).await.unwrap();
    assert_eq!(text(&mut client).await, "resumed");
    assert_eq!(server.fake.last(), "subscribe Some((\"s\", 7))");
    for query in ["stream=s", "last_seq=7", "stream=s&last_seq=x"] {
        assert_eq!(refusal(&server, &format!("/ws?{query}"), &[]).await, (400, json!("bad_request")));
    }
}

#[tokio::test]
async fn a_slow_client_gets_a_gap_and_a_fresh_snapshot() {
    let server = start();
    let (slow, hub) = subscription("s", 4, &["hello"]);
    let (fresh, again) = subscription("s", 90, &["hello again", "snapshot"]);
    server.fake.subscriptions.lock().unwrap().extend([slow, fresh]);
    let (mut client, _) = join(&server, "/ws", &[]).await.unwrap();
    hub.send((5, "frame 5".into())).await.unwrap();
    // What the hub does when the channel is full.
    drop(hub);
    assert_eq!((text(&mut client).await, text(&mut client).await), ("hello".into(), "frame 5".into()));
    let gap: Value = serde_json::from_str(&text(&mut client).await).unwrap();
    assert_eq!((&gap["type"], &gap["seq"], &gap["data"]), (&json!("gap"), &json!(90), &json!({ "from": 6, "to": 90 })));
    assert!(trustfold_event::parse_rfc3339(gap["ts"].as_str().unwrap()).is_some());
    assert_eq!((text(&mut client).await, text(&mut client).await), ("hello again".into(), "snapshot".into()));
    assert_eq!(server.fake.last(), "subscribe None");
    again.send((91, "frame 91".into())).await.unwrap();
    assert_eq!(text(&mut client).await, "frame 91");
    // Nothing further is scripted: the hub is gone, and the client is told rather than left hanging.
    drop(again);
    match client.next().await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1013),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn strangers_and_too_many_are_refused() {
    let server = start_with(WebConfig { live_clients_max: 1, ..loopback() });
    assert_eq!(refusal(&server, "/ws", &[("origin", "http://evil.example")]).await, (403, json!("forbidden_origin")));
    assert_eq!(refusal(&server, "/ws", &[("host", "evil.example")]).await, (403, json!("forbidden_host")));
    server.get("/ws").await.is_problem(400, "bad_request");
    let (subscribed, hub) = subscription("s", 4, &["hello"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let (mut client, _) = join(&server, "/ws", &[]).await.unwrap();
    assert_eq!(text(&mut client).await, "hello");
    assert_eq!(refusal(&server, "/ws", &[]).await, (429, json!("overloaded")));
    server.get("/api/stream").await.is_problem(429, "overloaded");
    drop(client);
    hub.closed().await;
}

#[tokio::test]
async fn stopping_says_so_to_live_clients() {
    let server = start();
    let (subscribed, _hub) = subscription("s", 4, &["hello"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let (mut client, _) = join(&server, "/ws", &[]).await.unwrap();
    assert_eq!(text(&mut client).await, "hello");
    let leaving = async {
        match client.next().await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1001),
            other => panic!("{other:?}"),
        }
        while client.next().await.is_some_and(|m| m.is_ok()) {}
    };
    let (stopped, ()) = tokio::join!(server.stop(), leaving);
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn the_event_stream_carries_the_same_frames() {
    let server = start();
    let (subscribed, hub) = subscription("s", 4, &["{\"hello\":1}"]);
    server.fake.subscriptions.lock().unwrap().push_back(subscribed);
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = server.request("GET", "/api/v1/stream", &[("last-event-id", "s:3")], b"");
    connection.write_all(&request).await.unwrap();
    let mut heard = String::new();
    let mut until = async |part: &str| {
        while !heard.contains(part) {
            let mut bytes = [0; 512];
            let n = connection.read(&mut bytes).await.unwrap();
            assert_ne!(n, 0, "{heard}");
            heard += std::str::from_utf8(&bytes[..n]).unwrap();
        }
        heard.clone()
    };
    let first = until("id:s:4").await;
    assert!(first.contains("content-type: text/event-stream") && first.contains("data:{\"hello\":1}"), "{first}");
    assert_eq!(server.fake.last(), "subscribe Some((\"s\", 3))");
    hub.send((5, "{\"next\":2}".into())).await.unwrap();
    assert!(until("id:s:5").await.contains("data:{\"next\":2}"));
    drop(connection);
    hub.closed().await;
}
