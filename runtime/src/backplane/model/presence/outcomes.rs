outcomes! {
    ended_asks,
    right_asks,
    asks_with_missing_nodes,
    local_asks,
    dropped_asks,
    ended_by_others,
    watched_members,
    watched_changes,
    ended_nodes,
    cases_without_rest,
}
