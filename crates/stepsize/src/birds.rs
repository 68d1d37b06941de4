//! A child that has seen ten black birds sees a yellow one: why the rate matters, in one weight.
//!
//! [`Child`] is the smallest learner there is. One weight `w`, belief `p = 1 / (1 + e^-w)` that a
//! bird is yellow; of each bird the cross-entropy `-ln p` (yellow) or `-ln(1 - p)` (black), whose
//! gradient is `p - y`; one step of SGD: `w -= lr (p - y)`.

/// Black birds before the first yellow one.
pub const FIRST: usize = 10;

/// The smallest learner.
///
/// ```
/// use stepsize::birds::{Child, FIRST, birds};
/// let birds = birds(0, 0);
/// let believes = |lr: f64| Child::believes(lr, &birds)[FIRST + 1];
/// // After ten black birds and a yellow one: little has moved, or everything has.
/// assert!(believes(0.01) > 0.4 && believes(0.01) < 0.5 && believes(40.0) > 0.99);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Child {
    weight: f64,
}

impl Child {
    /// Belief that the next bird is yellow.
    pub fn belief(self) -> f64 {
        1.0 / (1.0 + (-self.weight).exp())
    }

    /// Sees a bird and takes a step.
    pub fn see(&mut self, yellow: bool, lr: f64) {
        let gradient = self.belief() - f64::from(u8::from(yellow));
        self.weight -= lr * gradient;
    }

    /// Beliefs of a fresh learner: before any bird, then after each.
    pub fn believes(lr: f64, birds: &[bool]) -> Vec<f64> {
        let mut child = Self::default();
        let mut beliefs = vec![child.belief()];
        for yellow in birds {
            child.see(*yellow, lr);
            beliefs.push(child.belief());
        }
        beliefs
    }
}

/// Ten black birds, a yellow one (true), and `more` of which one in ten is yellow by chance.
pub fn birds(more: u16, seed: u64) -> Vec<bool> {
    let mut birds = vec![false; FIRST];
    birds.push(true);
    // SplitMix64 (Steele, Lea and Flood 2014): enough for colours.
    let mut state = seed;
    birds.extend((0..more).map(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).is_multiple_of(10)
    }));
    birds
}

/// Mean surprise in bits by the birds from `from` on, each judged before it is learned from; `None`
/// when there are none.
pub fn error(beliefs: &[f64], birds: &[bool], from: usize) -> Option<f64> {
    let surprise = |(belief, yellow): (&f64, &bool)| {
        let right = if *yellow { *belief } else { 1.0 - belief };
        // A learner that was sure of the opposite is surprised without bound: 50 bits is one chance
        // in 10^15.
        (-right.log2()).min(50.0)
    };
    let later: Vec<f64> = beliefs.iter().zip(birds).skip(from).map(surprise).collect();
    (!later.is_empty()).then(|| later.iter().sum::<f64>() / later.len() as f64)
}

/// The rate that errs least on birds not yet seen, on a grid of eight rates an octave from 2^-7 to
/// 2^7.
pub fn best_rate(birds: &[bool]) -> f64 {
    let loss = |lr: f64| error(&Child::believes(lr, birds), birds, 0).unwrap_or(0.0);
    (-56..=56).map(|i| (f64::from(i) / 8.0).exp2()).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_down_the_slope_of_the_surprise() {
        for (weight, yellow) in [(0.3, true), (-2.0, false), (-2.0, true)] {
            let loss = |w: f64| error(&[Child { weight: w }.belief()], &[yellow], 0).unwrap() * 2f64.ln();
            let slope = (loss(weight + 1e-5) - loss(weight - 1e-5)) / 2e-5;
            let mut child = Child { weight };
            child.see(yellow, 0.1);
            assert!((child.weight - (weight - 0.1 * slope)).abs() < 1e-6);
        }
    }

    #[test]
    fn the_story_holds_at_any_seed() {
        for seed in 0..20 {
            let birds = birds(29, seed);
            let best = best_rate(&birds);
            let after = |lr: f64| Child::believes(lr, &birds)[FIRST + 1];
            assert!(after(best / 40.0) > 0.3, "{seed}: too low and nothing was learned");
            assert!((0.03..0.5).contains(&after(best)), "{seed}: {best} {}", after(best));
            assert!(after(best * 40.0) > 0.9, "{seed}: too high and all are yellow");
        }
        assert_eq!(birds(9, 3), birds(9, 3));
        assert_eq!(error(&[0.5], &[], 0), None);
    }
}
