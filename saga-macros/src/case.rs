//! Names in other spellings.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;

/// `PoolRespawnOnPromote` as `pool_respawn_on_promote`.
pub(crate) fn snake(name: &Ident) -> String {
    let letters: Vec<char> = name.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let after_word = index > 0 && !letters[index - 1].is_uppercase() && letters[index - 1] != '_';
        let ends_run = index > 0
            && letters[index - 1].is_uppercase()
            && letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_word || ends_run) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `book_hotel` as `BookHotel`.
pub(crate) fn camel(name: &Ident) -> String {
    let name = name.unraw().to_string();
    let words = name.split('_').filter(|word| !word.is_empty());
    let capitalised = words.map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).collect::<String>() + letters.as_str()
    });
    capitalised.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::format_ident;

    #[test]
    fn names_are_spelled_as_in_rust() {
        for (camel_case, snake_case) in
            [("PoolRespawnOnPromote", "pool_respawn_on_promote"), ("HTTPGet", "http_get"), ("V2", "v2")]
        {
            assert_eq!(snake(&format_ident!("{camel_case}")), snake_case);
        }
        assert_eq!(camel(&format_ident!("book_hotel")), "BookHotel");
        assert_eq!(camel(&format_ident!("r#type")), "Type");
    }
}
