//! What a budget buys, measured, for people who are about to spend it.

/// Budgets in full runs, with the mean share of the best rate's improvement that the answers kept,
/// and the shares of answers that kept 95 % of it and of searches that were refused: 114 jobs of 19
/// families, 114 to 456 searches a row (`stepsize-bench landscapes`).
const WORTH: [(f64, f64, f64, f64); 7] = [
    (0.25, 0.908, 0.69, 0.24),
    (0.6, 0.955, 0.83, 0.04),
    (1.0, 0.958, 0.83, 0.03),
    (2.0, 0.976, 0.91, 0.02),
    (3.0, 0.985, 0.94, 0.02),
    (5.0, 0.990, 0.97, 0.02),
    (10.0, 0.990, 0.96, 0.02),
];

/// One sentence about a budget in full runs; `None` below the smallest that was measured.
///
/// ```
/// use stepsize::probe::what_a_budget_buys;
/// assert!(what_a_budget_buys(0.625).is_some_and(|text| text.contains("0.6 runs")));
/// assert_eq!(what_a_budget_buys(0.1), None);
/// ```
pub fn what_a_budget_buys(runs: f64) -> Option<String> {
    let (budget, kept, most, refused) = *WORTH.iter().rev().find(|row| runs >= row.0)?;
    Some(format!(
        "on 114 other jobs, searches for {budget} runs kept {:.0} % of what the best rate gains in the mean; {:.0} % of the answers \
         kept 95 %, and {:.0} % of the searches were refused",
        100.0 * kept,
        100.0 * most,
        100.0 * refused
    ))
}
