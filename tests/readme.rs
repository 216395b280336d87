//! What the README and `docs/cluster.md` show is what the program prints. After a change that is meant, run
//! `TRYCMD=overwrite cargo test --test readme` and read the difference.

#[test]
fn the_readme_shows_what_the_program_prints() {
    trycmd::TestCases::new().case("README.md").case("docs/cluster.md");
}
