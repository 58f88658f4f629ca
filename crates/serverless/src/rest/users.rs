//! `/users/...`: who the caller is. An account is a person here; there are no teams.

use axum::Json;
use serde_json::{Value, json};

use super::caller::Anyone;

pub(super) async fn current(Anyone(account): Anyone) -> Json<Value> {
    Json(json!({
        "full_name": account,
        "nickname": account,
        "user_id": account,
        "is_personal": true,
        "is_locked": false,
        "lock_reason": null,
        "members": [],
        "is_paying": true,
    }))
}

pub(super) async fn teams(Anyone(account): Anyone) -> Json<Value> {
    Json(json!([{
        "full_name": account,
        "nickname": account,
        "user_id": account,
        "is_personal": true,
        "is_org": false,
        "lock_reason": null,
    }]))
}
