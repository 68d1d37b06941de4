//! What is shown of a [`stepsize::Report`]: text for a terminal, pictures (SVG, PNG), one self-contained page, and the JSON
//! object. Data in, bytes out: nothing is written or printed here, so every face of Stepsize shows the same.

#![recursion_limit = "256"]

pub mod compare;
pub mod diagnosis;
pub mod figure;
pub mod json;
pub mod number;
pub mod page;
pub mod show;
pub mod view;
