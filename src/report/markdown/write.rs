//! Markdown as GitHub and GitLab draw it: tables, folded parts, and texts of the user's that stay texts.

/// A name as a code span: nothing in it is markup, a mention or a link, and no character of it is lost
/// but those that terminals and tables obey.
pub(in crate::report) fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.is_empty() {
        return String::new();
    }
    // The fence is longer than any run of backticks within.
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // One space at each end is taken off again where both are there.
    let edges = |c: char| c == '`' || c == ' ';
    let pad = if text.starts_with(edges) || text.ends_with(edges) { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A sentence that may hold text of the user's: markup is escaped, and what would mention somebody or
/// become a link is parted by an empty comment.
pub(in crate::report) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        match c {
            _ if c.is_control() => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '$' | '!' => out.extend(['\\', c]),
            '@' | '#' => {
                out.push(c);
                out.push_str(APART);
            }
            // `http://`, `:smile:`; `www.`
            ':' if rest.peek().is_some_and(|&next| next != ' ') => {
                out.push(c);
                out.push_str(APART);
            }
            '.' if before == 'w' || before == 'W' => {
                out.push_str(APART);
                out.push(c);
            }
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// What parts two characters without being seen.
const APART: &str = "<!-- -->";

/// A table; `true` for columns of numbers.
pub(in crate::report) struct Table {
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns by title, and whether they are aligned to the right.
    pub(in crate::report) fn new(columns: &[(&str, bool)]) -> Self {
        let columns = columns.iter().map(|&(title, right)| (title.to_owned(), right)).collect();
        Table { columns, rows: Vec::new() }
    }

    /// Appends a row; its cells are Markdown already.
    pub(in crate::report) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Whether there is a row.
    pub(in crate::report) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// At most `most` rows; below them, how many more there are and where.
    pub(in crate::report) fn at_most(mut self, most: usize, elsewhere: &str) -> String {
        let more = self.rows.len().saturating_sub(most);
        self.rows.truncate(most);
        let mut out = self.render();
        if more > 0 {
            out += &format!("\n{more} more rows are in {elsewhere}.\n");
        }
        out
    }

    /// All rows.
    pub(in crate::report) fn render(self) -> String {
        let mut out = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            out.push('|');
            for cell in cells {
                out.push(' ');
                out.push_str(&cell);
                out.push_str(" |");
            }
            out.push('\n');
        };
        line(&mut self.columns.iter().map(|(title, _)| title.clone()));
        line(&mut self.columns.iter().map(|&(_, right)| if right { "---:" } else { ":---" }.to_owned()));
        for row in self.rows {
            line(&mut row.into_iter());
        }
        out
    }
}

/// A part that is folded until somebody opens it; nothing without a body.
pub(in crate::report) fn folded(summary: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_end_where_the_text_does() {
        assert_eq!(code("shop/web"), "`shop/web`");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n| b"), "`a\u{fffd}\\| b`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn sentences_hold_no_markup_mention_or_link() {
        assert_eq!(words("a *b* [c](d) <img> | $x$"), "a \\*b\\* \\[c\\](d) &lt;img&gt; \\| \\$x\\$");
        assert_eq!(words("ask @org/team about #12"), "ask @<!-- -->org/team about #<!-- -->12");
        assert_eq!(words("http://x.y www.z.de: so"), "http:<!-- -->//x.y www<!-- -->.z.de: so");
        assert_eq!(words("two\nlines"), "two lines");
    }

    #[test]
    fn long_tables_say_how_long() {
        let mut table = Table::new(&[("Name", false), ("Cost", true)]);
        (0..5).for_each(|n| table.row(vec![format!("n{n}"), n.to_string()]));
        let text = table.at_most(2, "`-f csv`");
        assert_eq!(
            text,
            "| Name | Cost |\n| :--- | ---: |\n| n0 | 0 |\n| n1 | 1 |\n\n3 more rows are in `-f csv`.\n"
        );
    }
}
