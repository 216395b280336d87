//! Colour, bars, wrapping: how things look in the terminal at hand.

use crate::bill::Ratio;
use crate::report::RenderOptions;

/// What a text means, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// A heading.
    Title,
    /// A figure to look at.
    Strong,
    /// Saves money, well filled.
    Good,
    /// Look at it.
    Fair,
    /// Costs money, badly filled, wrong.
    Bad,
    /// Secondary.
    Faint,
}

/// The terminal at hand.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Draw {
    /// Columns; `usize::MAX` where nothing wraps.
    pub width: usize,
    /// Whether colour is allowed.
    pub color: bool,
    /// Whether only ASCII is.
    pub ascii: bool,
    /// Without lines, bars, folding, wrapping.
    pub plain: bool,
}

/// What every table fits into; narrower terminals wrap.
const NARROWEST: usize = 80;

impl Draw {
    pub(in crate::report) fn new(options: &RenderOptions) -> Self {
        let width = if options.plain { usize::MAX } else { options.width.max(NARROWEST) };
        Draw { width, color: options.color, ascii: options.ascii, plain: options.plain }
    }

    /// Columns left beyond what `used` take.
    pub(super) fn spare(&self, used: usize) -> usize {
        if self.plain { 0 } else { self.width.saturating_sub(used) }
    }

    /// Whether there are at least `width` columns (`plain` has all it wants).
    pub(super) fn fits(&self, width: usize) -> bool {
        self.width >= width
    }

    /// Colours a text where colour is allowed.
    pub(super) fn paint(&self, text: &str, tone: Tone) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Title => "1;4",
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Fair => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A text of the user's: control characters (which terminals obey) are replaced, and so is what
    /// is not ASCII where only ASCII is allowed.
    pub(super) fn clean(&self, text: &str) -> String {
        let replacement = if self.ascii { '?' } else { '\u{fffd}' };
        text.chars()
            .map(|c| if c.is_control() || (self.ascii && !c.is_ascii()) { replacement } else { c })
            .collect()
    }

    /// Cuts a text to `width` columns; colour codes take none and end before the cut.
    pub(super) fn cut(&self, text: &str, width: usize) -> String {
        if self.plain || visible(text) <= width {
            return text.to_owned();
        }
        let mut out = String::new();
        let (mut columns, mut in_code, mut coloured) = (1, false, false);
        for c in text.chars() {
            match c {
                '\u{1b}' => (in_code, coloured) = (true, true),
                'm' if in_code => in_code = false,
                _ if in_code => {}
                _ if columns >= width => break,
                _ => columns += 1,
            }
            out.push(c);
        }
        out.push(if self.ascii { '~' } else { '…' });
        if coloured {
            out.push_str("\u{1b}[0m");
        }
        out
    }

    /// A bar of `width` columns; nothing when plain. Above one it is full.
    pub(super) fn bar(&self, share: Ratio, width: usize, tone: Option<Tone>) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        if self.plain {
            return String::new();
        }
        let steps = if self.ascii { 1 } else { 8 };
        let full = width as i128 * steps;
        let filled = (share.nanos() * full + 500_000_000) / 1_000_000_000;
        let filled = usize::try_from(filled.clamp(0, full)).unwrap_or(0);
        let (whole, part) = if self.ascii { (filled, 0) } else { (filled / 8, filled % 8) };
        let (block, empty) = if self.ascii { ("#", ".") } else { ("█", "░") };
        let drawn = block.repeat(whole) + EIGHTHS[part];
        let rest = empty.repeat(width - whole - usize::from(part > 0));
        match tone {
            Some(tone) => self.paint(&drawn, tone) + &self.paint(&rest, Tone::Faint),
            None => drawn + &self.paint(&rest, Tone::Faint),
        }
    }

    /// A fill bar with its percentage, coloured by how full it is.
    pub(super) fn fill(&self, fill: Option<Ratio>, width: usize) -> String {
        let Some(fill) = fill else {
            return String::new();
        };
        let tone = match fill.nanos() {
            800_000_000.. => Tone::Good,
            500_000_000.. => Tone::Fair,
            _ => Tone::Bad,
        };
        let number = format!("{:>3}%", fill.percent(0));
        if self.plain || width == 0 {
            number
        } else {
            format!("{} {number}", self.bar(fill, width, Some(tone)))
        }
    }

    /// A heading, a remark beside it (or below, where that is too long), and the body; nothing without
    /// a body.
    pub(super) fn section(&self, title: &str, remark: &str, body: &str) -> String {
        if body.is_empty() {
            return String::new();
        }
        let title = self.paint(title, Tone::Title);
        if remark.is_empty() {
            return format!("{title}\n{body}");
        }
        let beside = visible(&title) + 4 + remark.chars().count();
        if self.plain || beside <= self.width {
            return format!("{title}  {}\n{body}", self.paint(&format!("({remark})"), Tone::Faint));
        }
        format!("{title}\n{}{body}", self.hanging("  ", remark))
    }

    /// A paragraph whose further lines hang below its first word.
    pub(super) fn hanging(&self, lead: &str, text: &str) -> String {
        let indent = lead.chars().count();
        let mut out = lead.to_owned();
        let mut column = indent;
        let mut first = true;
        for word in words(text) {
            let length = visible(word);
            if !first && column + 1 + length > self.width {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
                first = true;
            }
            if !first {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
            first = false;
        }
        let trimmed = out.trim_end().len();
        out.truncate(trimmed);
        out.push('\n');
        out
    }
}

/// The words of a text; a percent sign stays with its number.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let ends = text.match_indices(' ').map(|(at, _)| at);
        let end = ends.into_iter().find(|&at| !text[at + 1..].starts_with('%'));
        rest = end.map(|at| &text[at + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// Columns that a text takes, colour codes not counted.
pub(super) fn visible(text: &str) -> usize {
    let mut columns = 0;
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            _ => columns += 1,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(ascii: bool) -> Draw {
        Draw::new(&RenderOptions { ascii, ..RenderOptions::default() })
    }

    #[test]
    fn bars_are_as_wide_as_asked() {
        for ascii in [false, true] {
            for percent in 0..=120 {
                let bar = draw(ascii).bar(Ratio::of(percent, 100).unwrap(), 7, None);
                assert_eq!(bar.chars().count(), 7, "{percent} {bar}");
            }
        }
        assert_eq!(draw(false).bar(Ratio::of(1, 2).unwrap(), 5, None), "██▌░░");
        assert_eq!(draw(true).bar(Ratio::of(1, 2).unwrap(), 4, None), "##..");
    }

    #[test]
    fn what_terminals_obey_is_replaced() {
        assert_eq!(draw(false).clean("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(draw(true).clean("ä"), "?");
    }

    #[test]
    fn paragraphs_hang() {
        let mut narrow = draw(false);
        narrow.width = 10;
        assert_eq!(narrow.hanging("- ", "one two three four"), "- one two\n  three\n  four\n");
        // A number does not lose its percent sign.
        assert_eq!(narrow.hanging("- ", "of it 12 % (3 %)"), "- of it\n  12 %\n  (3 %)\n");
    }

    #[test]
    fn a_cut_counts_what_is_seen() {
        assert_eq!(draw(false).cut("abcdef", 4), "abc…");
        assert_eq!(draw(true).cut("abcd", 4), "abcd");
        assert_eq!(draw(true).cut("\u{1b}[1mabcdef\u{1b}[0m", 4), "\u{1b}[1mabc~\u{1b}[0m");
    }
}
