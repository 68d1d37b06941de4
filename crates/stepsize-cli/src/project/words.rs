//! A command in one text, split into words without a shell.

/// The words of `text`: split at blanks, except within quotes and after a backslash. Nothing is
/// expanded.
///
/// # Errors
/// A message if a quote is not closed.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    match quote {
        Some(open) => Err(format!("the quote {open} in `{text}` is not closed")),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together_and_nothing_is_expanded() {
        let words = |text: &str| split(text).unwrap_or_default();
        assert_eq!(words("python train.py  --lr {lr}"), ["python", "train.py", "--lr", "{lr}"]);
        assert_eq!(
            words(r#"mail -s 'it is "done"' "a b" c\ d '' $HOME;"#),
            ["mail", "-s", "it is \"done\"", "a b", "c d", "", "$HOME;"]
        );
        assert!(split("echo 'a").is_err_and(|why| why.contains("not closed")));
        assert!(words("  ").is_empty());
    }
}
