//! The rate over time: schedules and their notation, controllers, and [`Policy`], which joins them.
//! Asking for a rate changes nothing.

pub mod controller;
pub mod notation;
pub mod policy;
pub mod reference;
pub mod schedule;
