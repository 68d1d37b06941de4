//! `stepsize serve`: the studies of a file in the browser, while they run and afterwards.

use crate::args::ServeArgs;
use crate::done::{Done, Fault};
use crate::live;
use stepsize_serve::{ServeOptions, ServeToken, Server};

/// Serves until it is ended.
pub fn run(args: &ServeArgs) -> Result<Done, Fault> {
    if args.price_per_hour.is_some_and(|price| !(price.is_finite() && price >= 0.0)) {
        return Err(Fault::usage("--price-per-hour must be finite and not below zero"));
    }
    let token = match &args.token_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| stepsize::Error::io("read", path, e))?;
            Some(
                ServeToken::new(text.trim())
                    .map_err(|e| Fault::usage(format!("--token-file {}: {e}", path.display())))?,
            )
        }
    };
    let options = ServeOptions {
        address: args.bind,
        port: args.port,
        private: args.private,
        token,
        price_per_hour: args.price_per_hour,
        words: live::words,
        ..ServeOptions::new(&args.file.db)
    };
    let server = Server::bind(options)?;
    let path = if args.playground { "/playground" } else { "/" };
    eprintln!("stepsize serves {}: open {}", args.file.db.display(), server.url(path));
    if !args.bind.is_loopback() {
        eprintln!("note: other machines can reach it; what is sent is not encrypted. `ssh -L` is safer");
    }
    server.run(std::future::pending())?;
    Ok(Done::answer(""))
}
