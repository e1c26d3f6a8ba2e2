//! The right programs, each as it stands in its file.

#[path = "../../ui/pass/abandoned.rs"]
mod abandoned;
#[path = "../../ui/pass/concurrency.rs"]
mod concurrency;
#[path = "../../ui/pass/l01_deadline.rs"]
mod l01_deadline;
#[path = "../../ui/pass/l03_compensate.rs"]
mod l03_compensate;
#[path = "../../ui/pass/l04_names.rs"]
mod l04_names;
#[path = "../../ui/pass/l05_l06_scopes.rs"]
mod l05_l06_scopes;
#[path = "../../ui/pass/l07_order.rs"]
mod l07_order;
#[path = "../../ui/pass/l08_durations.rs"]
mod l08_durations;
#[path = "../../ui/pass/l09_ways_out.rs"]
mod l09_ways_out;
#[path = "../../ui/pass/l11_value.rs"]
mod l11_value;
#[path = "../../ui/pass/l12_return.rs"]
mod l12_return;
#[path = "../../ui/pass/l13_retry.rs"]
mod l13_retry;
#[path = "../../ui/pass/l16_l17_l18_replies.rs"]
mod l16_l17_l18_replies;
#[path = "../../ui/pass/l19_refusals.rs"]
mod l19_refusals;
#[path = "../../ui/pass/l20_query.rs"]
mod l20_query;
#[path = "../../ui/pass/l21_with_a_condition.rs"]
mod l21_with_a_condition;
#[path = "../../ui/pass/l22_bound.rs"]
mod l22_bound;
#[path = "../../ui/pass/l23_has.rs"]
mod l23_has;
#[path = "../../ui/pass/l25_l27_children.rs"]
mod l25_l27_children;
#[path = "../../ui/pass/l26_query_again.rs"]
mod l26_query_again;
#[path = "../../ui/pass/value_without_an_answer.rs"]
mod value_without_an_answer;
#[path = "../../ui/pass/where_of_anyone.rs"]
mod where_of_anyone;
