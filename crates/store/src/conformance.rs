//! What every store must do. A store passes by running the claims below against itself:
//!
//! ```ignore
//! tintype_store::conformance!(|| Fixture::new(MemoryStore::new(), ()));
//! ```
//!
//! A claim gets an empty store of its own.

mod accepting;
mod attempts;
mod deployments;
mod ending;
mod environments;
mod feed;
mod files;
mod keys;
mod lists;
mod racing;
mod runner_logs;
mod runners;
pub mod sample;
mod sweeping;
mod webhooks;

use std::{any::Any, sync::Arc};

pub use accepting::*;
pub use attempts::*;
pub use deployments::*;
pub use ending::*;
pub use environments::*;
pub use feed::*;
pub use files::*;
pub use keys::*;
pub use lists::*;
pub use racing::*;
pub use runner_logs::*;
pub use runners::*;
pub use sweeping::*;
pub use webhooks::*;

use crate::Store;

/// A store, and what must outlive it: its folder, say.
pub struct Fixture {
    pub store: Arc<dyn Store>,
    _keep: Box<dyn Any + Send>,
}

impl Fixture {
    pub fn new(store: impl Store, keep: impl Any + Send) -> Self {
        Self { store: Arc::new(store), _keep: Box::new(keep) }
    }
}

/// One test for each claim; `$open` makes a [`Fixture`].
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance!($open;
            an_accepted_request_is_known_with_all_that_was_said,
            odd_text_and_bytes_come_back_as_they_were,
            an_id_is_taken_once_and_for_all,
            the_same_idempotency_key_names_the_same_request,
            a_reused_key_with_other_content_is_refused,
            idempotency_keys_of_two_accounts_are_apart,
            an_expired_idempotency_key_is_free_again,
            only_the_next_attempt_begins_and_only_once,
            a_requeued_request_waits_again_and_counts_crashes,
            a_superseded_attempt_changes_nothing,
            unknown_requests_are_told_apart_from_changes,
            pending_is_in_order_of_arrival_without_what_has_ended,
            the_end_is_written_once_with_result_and_record,
            a_waiting_request_ends_without_an_attempt,
            payloads_that_are_not_kept_go_when_read,
            payloads_that_are_kept_are_not_forgotten,
            direct_calls_are_recorded_once,
            the_feed_tells_everything_once_in_order,
            the_feed_of_an_account_holds_only_its_own,
            the_feed_resumes_after_a_cursor,
            log_lines_are_numbered_within_their_request,
            lists_are_newest_first_and_filtered,
            lists_page_backwards,
            apps_with_requests_are_named_once,
            a_webhook_is_due_until_it_is_delivered,
            a_webhook_is_tried_again_when_told,
            a_webhook_keeps_the_result_that_its_reader_forgot,
            what_the_caller_has_at_hand_is_not_due_again,
            the_next_webhook_is_foretold,
            a_new_webhook_is_told_of_after_its_commit,
            keys_are_found_listed_and_revoked_once,
            a_key_id_is_taken_once,
            files_are_kept_changed_and_deleted,
            files_and_uploads_expire_in_order,
            an_upload_becomes_a_file_in_one_step,
            results_go_when_their_time_has_passed,
            a_request_outlives_its_result_while_its_key_lives,
            a_request_is_kept_while_its_webhook_is_under_way,
            a_sweep_does_no_more_than_it_was_told,
            old_events_go_and_cursors_never_come_again,
            stray_log_lines_go_in_the_end,
            of_many_ends_one_is_true,
            of_many_repeats_with_one_key_one_is_new,
            many_requests_run_through_at_once,
            a_deployment_is_known_with_all_that_was_said,
            a_later_deployment_moves_the_alias,
            a_revision_id_is_taken_once_and_leaves_the_alias_alone,
            an_alias_points_only_at_a_revision_of_its_account,
            nothing_is_deployed_to_an_environment_that_is_not_there,
            deployments_are_listed_by_account_app_and_environment,
            a_revision_in_use_is_not_deleted,
            an_environment_is_made_once_for_an_account,
            main_is_neither_made_nor_deleted,
            an_environment_takes_what_is_in_it_along,
            secrets_are_set_replaced_listed_and_deleted,
            a_runner_is_known_as_it_was_last_said_to_be,
            a_late_word_does_not_bring_a_runner_back,
            ended_runners_are_listed_last_first,
            what_a_dead_server_left_open_is_closed_once,
            ended_runners_are_forgotten_after_a_while,
            a_runners_lines_are_known_with_all_that_was_said,
            a_runners_lines_keep_their_order_whatever_the_clock_does,
            a_runners_lines_are_cut_by_time_and_searched,
            a_runners_lines_page_backwards_without_loss,
            old_lines_of_runners_go_from_the_front,
            of_a_chatty_runner_the_newest_lines_are_kept,
        );
    };
    ($open:expr; $($claim:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $claim() {
                let open = $open;
                let fixture: $crate::conformance::Fixture = open();
                $crate::conformance::$claim(&fixture.store).await;
            }
        )+
    };
}
