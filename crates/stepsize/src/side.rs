//! [`Side`].

/// The side of a set of rates on which something lies, such as the best rate of a sweep at its
/// edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At or below the lowest rate tried.
    Low,
    /// At or above the highest.
    High,
}
