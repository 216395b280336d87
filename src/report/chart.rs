//! Charts as inline SVG. plotters draws them in stand-in colours, which then become the CSS variables
//! of the page, so that one drawing serves light, dark and print.
//!
//! Coordinates are floats: they are places on paper, and no figure is read back from them.

pub(super) mod bars;
pub(super) mod columns;
pub(super) mod lines;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What a mark stands for; the style sheet says which colour that is, light and dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    /// Text.
    Ink,
    /// Secondary text.
    Muted,
    /// Lines behind the figures.
    Grid,
    /// What was before.
    Before,
    /// The plan; requests.
    Plan,
    /// The plan under commitments.
    Reserved,
    /// What is saved.
    Good,
    /// What is lost.
    Bad,
    /// DaemonSets.
    Agents,
    /// Kept free on purpose.
    Headroom,
    /// Left over.
    Idle,
    /// Kept by the system.
    System,
    /// A further series.
    Other,
    /// What charts are drawn on.
    Sheet,
}

impl Tint {
    /// All of them.
    const ALL: [Tint; 14] = [
        Tint::Ink,
        Tint::Muted,
        Tint::Grid,
        Tint::Before,
        Tint::Plan,
        Tint::Reserved,
        Tint::Good,
        Tint::Bad,
        Tint::Agents,
        Tint::Headroom,
        Tint::Idle,
        Tint::System,
        Tint::Other,
        Tint::Sheet,
    ];

    /// The name of its CSS variable, without the dashes in front.
    pub(super) fn name(self) -> &'static str {
        match self {
            Tint::Ink => "ink",
            Tint::Muted => "muted",
            Tint::Grid => "line",
            Tint::Before => "before",
            Tint::Plan => "plan",
            Tint::Reserved => "reserved",
            Tint::Good => "good",
            Tint::Bad => "bad",
            Tint::Agents => "agents",
            Tint::Headroom => "headroom",
            Tint::Idle => "idle",
            Tint::System => "system",
            Tint::Other => "other",
            Tint::Sheet => "sheet",
        }
    }

    /// The stand-in that plotters draws with.
    fn color(self) -> RGBColor {
        RGBColor(1, 0, self as u8)
    }

    /// How the SVG backend writes the stand-in.
    fn written(self) -> String {
        let RGBColor(red, green, blue) = self.color();
        format!("\"#{red:02X}{green:02X}{blue:02X}\"")
    }
}

/// For which width of page a chart is drawn; the page has both and shows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Laptops and paper.
    Wide,
    /// Phones.
    Narrow,
}

impl Size {
    /// Both.
    pub(super) const BOTH: [Size; 2] = [Size::Wide, Size::Narrow];

    /// In pixels.
    pub(super) fn width(self) -> i32 {
        match self {
            Size::Wide => 760,
            Size::Narrow => 330,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Size::Wide => "wide",
            Size::Narrow => "narrow",
        }
    }
}

/// Draws on a canvas of `width` x `height` pixels and finishes the SVG. `label` is what a screen reader
/// says of it.
fn draw(
    size: Size,
    height: i32,
    label: &str,
    paint: impl FnOnce(&Canvas<'_>) -> Result<(), Failed>,
) -> String {
    let mut svg = String::new();
    let pixels = |length: i32| u32::try_from(length).unwrap_or(0).max(1);
    {
        let canvas =
            SVGBackend::with_string(&mut svg, (pixels(size.width()), pixels(height))).into_drawing_area();
        paint(&canvas).expect("drawing into a string cannot fail");
        canvas.present().expect("drawing into a string cannot fail");
    }
    for tint in Tint::ALL {
        svg = svg.replace(&tint.written(), &format!("\"var(--{})\"", tint.name()));
    }
    // The opening tag anew: it scales with the page, and says what it shows.
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    format!(
        "<svg class=\"chart {}\" viewBox=\"0 0 {} {height}\" role=\"img\" aria-label=\"{}\">{}",
        size.class(),
        size.width(),
        escaped(label),
        lean(body),
    )
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Failed = DrawingAreaErrorKind<std::io::Error>;

/// A text for an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Without what the style sheet says anyway.
fn lean(body: &str) -> String {
    body.replace(" font-family=\"sans-serif\"", "")
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
}

/// A text of `size` pixels, at its left, middle or right.
fn text(size: f64, tint: Tint, at: HPos) -> TextStyle<'static> {
    // The backend divides sizes by 1.24.
    let font = FontDesc::new(FontFamily::SansSerif, size * 1.24, FontStyle::Normal);
    TextStyle { font, color: tint.color().to_backend_color(), pos: Pos::new(at, VPos::Center) }
}

/// About how many pixels wide a text is, in the widest of the fonts that readers have.
fn width_of(text: &str, size: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a text is short")]
    {
        (text.chars().count() as f64 * size * 0.64).ceil() as i32
    }
}

/// Cuts a text to about `width` pixels.
fn cut(text: &str, size: f64, width: i32) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width_of(&out, size) + width_of("…", size) > width {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}
