//! Compiles each file of `fail/` and `pass/`.

#[test]
fn wrong_uses() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn right_uses() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
