//! Files on their way to a model, and from it.

use std::fs;

use serde_json::{Value, json};
use tintype_testkit::TestApp;

use super::{document, printed, refused, run};

#[tokio::test]
async fn files_of_the_answer_are_saved_under_their_own_names() {
    let app = TestApp::start().await;
    let folder = app.folder().join("pictures");
    let picture = r#"images=[{"url":"data:image/png;base64,AAEC","file_name":"a.png"}]"#;
    let words = ["run", "tintype/noop", picture, "-o", folder.to_str().unwrap()];
    assert_eq!(printed(&app, &words).await.trim(), folder.join("a.png").display().to_string());
    assert_eq!(fs::read(folder.join("a.png")).unwrap(), [0, 1, 2]);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_saved_is_told_and_the_rest_is_saved() {
    let app = TestApp::start().await;
    let folder = app.folder().join("pictures");
    let files = r#"f=[{"url":"data:video/mp4;base64","file_name":"cut.mp4"},{"url":"data:image/png;base64,AAEC"}]"#;
    let output = run(&app, &["run", "tintype/noop", files, "seed=7", "-o", folder.to_str().unwrap()]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), folder.join("file.png").display().to_string());
    assert!(told.contains("could not save cut.mp4") && told.contains("seed: 7"), "{told}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn files_of_any_length_reach_a_model_wherever_they_are_named() {
    // A body of a call holds less than the file.
    let app = TestApp::start_with(
        |options| options.max_body_bytes = 1 << 20,
        std::sync::Arc::new(tintype_domain::SystemClock),
    )
    .await;
    let (large, small) = (app.folder().join("large file.mp4"), app.folder().join("small.png"));
    let content = vec![5; 3 << 20];
    fs::write(&large, &content).unwrap();
    fs::write(&small, b"abc").unwrap();
    let (large, small) = (large.display(), small.display());
    let words = [format!("v=@{large}"), format!("u=[\"@{large}\",\"@{small}\",\"@none\"]"), format!("v=@{small}")];
    let words: Vec<&str> = ["run", "tintype/noop"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let answer = document(&app, &words).await;
    let inline = json!("data:image/png;base64,YWJj");
    assert_eq!((&answer["v"][1], &answer["u"][1], &answer["u"][2]), (&inline, &inline, &json!("@none")));
    for sent in [&answer["v"][0], &answer["u"][0]] {
        let response = stored(&app, sent).await;
        assert_eq!(response.0, "video/mp4");
        assert!(response.1 == content, "{sent}");
    }
    assert!(refused(&app, &["run", "tintype/noop", "a=@no/such"]).await.1.contains("could not read no/such"));
    app.stop().await;
}

/// Type and content of a file of the server.
async fn stored(app: &TestApp, address: &Value) -> (String, Vec<u8>) {
    let address = address.as_str().unwrap();
    let path = &address[address.find("/files/").expect("an address of the server's storage")..];
    let answer = app.anonymous(reqwest::Method::GET, path).send().await.unwrap().error_for_status().unwrap();
    (answer.headers()["content-type"].to_str().unwrap().to_owned(), answer.bytes().await.unwrap().to_vec())
}
