//! New patterns from those in use: one copy given for another that is worth more.
//!
//! At the duals of the programme over patterns those that it uses are worth just what they cost. A pattern
//! that holds a copy worth more in place of one of its own, or one more, therefore pays. Pricing finds the
//! best pattern of each kind, and those resemble each other; exchanges find many at once, all over the
//! shapes, so that the programme is solved in a fraction of the rounds.

use rayon::prelude::*;

use super::instance::Instance;

/// A bin's kind and its content: shapes, ascending, and copies.
pub(super) type Pattern = (usize, Vec<(usize, u64)>);

/// An exchange that pays must bring more than this share of the bin's rate.
const PAYS: f64 = 1e-6;

/// An exchange in a pattern.
struct Exchange {
    /// Share of the bin's rate.
    gain: f64,
    pattern: usize,
    out: Option<usize>,
    into: usize,
}

/// The exchanges in these patterns that gain most at `pi`, at most so many, and that gain at the prices
/// `also` as well. Returns the patterns that they make, and the work done.
pub(super) fn patterns(
    instance: &Instance,
    used: &[&Pattern],
    pi: &[f64],
    also: &[f64],
    most: usize,
) -> (Vec<Pattern>, u64) {
    let mut dearest: Vec<usize> = (0..instance.shapes.len()).collect();
    dearest.sort_by(|&a, &b| pi[b].total_cmp(&pi[a]).then(a.cmp(&b)));
    let found: Vec<(Vec<Exchange>, u64)> = used
        .par_iter()
        .enumerate()
        .map(|(pattern, (kind, content))| {
            let rate = instance.kinds[*kind].rate.max(1) as f64;
            let mut slack = instance.kinds[*kind].capacity.clone();
            for &(j, n) in content {
                slack.iter_mut().zip(&instance.shapes[j].demand).for_each(|(s, d)| *s -= d * n);
            }
            let mut work = 0;
            let mut exchanges = Vec::new();
            for out in content.iter().map(|&(i, _)| Some(i)).chain([None]) {
                let freed = out.map(|i| &instance.shapes[i].demand);
                let room: Vec<u64> =
                    slack.iter().enumerate().map(|(k, s)| s + freed.map_or(0, |d| d[k])).collect();
                let (given, given_also) = out.map_or((0.0, 0.0), |i| (pi[i], also[i]));
                let fits = |j: usize| {
                    let shape = &instance.shapes[j];
                    let holds = content.iter().find(|(i, _)| *i == j).map_or(0, |(_, n)| *n);
                    let left = |i: usize, n: u64| n > u64::from(out == Some(i));
                    shape.demand.iter().zip(&room).all(|(d, room)| d <= room)
                        && holds < instance.fits[*kind][j]
                        && !content
                            .iter()
                            .any(|&(i, n)| left(i, n) && shape.conflicts.binary_search(&i).is_ok())
                };
                for &j in &dearest {
                    work += 1;
                    let gain = (pi[j] - given) / rate;
                    if gain <= PAYS {
                        break;
                    }
                    if also[j] > given_also && fits(j) {
                        exchanges.push(Exchange { gain, pattern, out, into: j });
                        break;
                    }
                }
            }
            (exchanges, work)
        })
        .collect();
    let work = found.iter().map(|(_, work)| work).sum();
    let mut exchanges: Vec<Exchange> = found.into_iter().flat_map(|(exchanges, _)| exchanges).collect();
    exchanges.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    exchanges.truncate(most);
    let made = exchanges.iter().map(|e| made_by(e, used[e.pattern])).collect();
    (made, work)
}

fn made_by(exchange: &Exchange, (kind, content): &Pattern) -> Pattern {
    let mut content = content.clone();
    if let Some(out) = exchange.out {
        content.iter_mut().filter(|(i, _)| *i == out).for_each(|(_, n)| *n -= 1);
    }
    match content.binary_search_by_key(&exchange.into, |&(i, _)| i) {
        Ok(at) => content[at].1 += 1,
        Err(at) => content.insert(at, (exchange.into, 1)),
    }
    content.retain(|&(_, n)| n > 0);
    (*kind, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::pricing::tests::instance;

    /// A bin of 10 holds 4 + 3: three are left. Worth per copy: 4 -> 40, 3 -> 20, 5 -> 60, 6 -> 50.
    /// For the 4 the 6 fits (10 - 3 = 7) and so does the 5, which is dearest; for the 3 there is room for
    /// 6: the 5 again; beside both only another 3.
    #[test]
    fn the_dearest_that_fits_comes_in() {
        let instance = instance(&[([4, 1], 9), ([3, 1], 9), ([5, 1], 9), ([6, 1], 9)], [10, 100], &[]);
        let pi = [40.0, 20.0, 60.0, 50.0];
        let used = (0, vec![(0, 1), (1, 1)]);
        let (made, _) = patterns(&instance, &[&used], &pi, &pi, 10);
        let made: Vec<_> = made.into_iter().map(|(_, content)| content).collect();
        // Gains of 40, 20, 20, in the order of what goes out.
        assert_eq!(made, [vec![(0, 1), (2, 1)], vec![(1, 1), (2, 1)], vec![(0, 1), (1, 2)]]);
        let (made, _) = patterns(&instance, &[&used], &pi, &[40.0, 20.0, 10.0, 50.0], 10);
        let made: Vec<_> = made.into_iter().map(|(_, content)| content).collect();
        // By the other prices the 5 is worth less than what it replaces.
        assert_eq!(made[0], [(0, 1), (3, 1)]);
        assert!(made.iter().all(|content| content.iter().all(|&(j, _)| j != 2)), "{made:?}");
        assert_eq!(patterns(&instance, &[&used], &pi, &pi, 1).0.len(), 1);
    }

    /// Whatever the prices, what comes of a pattern is one: it keeps to capacity, caps and conflicts.
    #[test]
    fn what_is_made_is_a_pattern_that_gains() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut seen = 0;
        for _ in 0..2_000 {
            let n = rng.usize(2..6);
            let items: Vec<([u64; 2], u64)> =
                (0..n).map(|_| ([rng.u64(0..6), rng.u64(1..6)], rng.u64(1..4))).collect();
            let conflicts: Vec<(u32, u32)> = if rng.bool() { vec![(0, n as u32 - 1)] } else { vec![] };
            let instance = instance(&items, [rng.u64(5..14), rng.u64(5..14)], &conflicts);
            let pi: Vec<f64> = instance.shapes.iter().map(|_| rng.f64() * 20.0).collect();
            let mut used: Pattern = (0, Vec::new());
            for j in 0..instance.shapes.len() {
                used.1.push((j, 1));
                let bin = crate::solver::instance::Bin { kind: 0, content: used.1.clone(), copies: 1 };
                if !instance.holds(&bin) {
                    used.1.pop();
                }
            }
            let worth =
                |content: &[(usize, u64)]| -> f64 { content.iter().map(|&(j, n)| pi[j] * n as f64).sum() };
            for (kind, content) in patterns(&instance, &[&used], &pi, &pi, 10).0 {
                assert!(worth(&content) > worth(&used.1));
                let bin = crate::solver::instance::Bin { kind, content, copies: 1 };
                assert!(instance.holds(&bin), "{used:?} -> {bin:?}");
                seen += 1;
            }
        }
        assert!(seen > 1_000, "{seen}");
    }
}
