//! What an RSA public key must be to be trusted with tokens.
//!
//! Invariant: sizes and exponents are checked when a key is read, not when it is used.
//! Knows nothing about JSON and signatures.

/// Bits of the shortest and the longest modulus.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The smallest public exponent: below it, old padding faults become forgeries.
const EXPONENT_MIN: u64 = 65_537;
/// The longest public exponent in bytes: longer ones only cost time.
const EXPONENT_LEN_MAX: usize = 4;

/// Says what is wrong with a modulus and an exponent (big endian), if anything is.
pub(super) fn fault(modulus: &[u8], exponent: &[u8]) -> Option<String> {
    let leading_zero = |number: &[u8]| number.first().is_none_or(|first| *first == 0);
    if leading_zero(modulus) || leading_zero(exponent) {
        return Some("`n` and `e` are numbers without leading zeros".to_owned());
    }
    let spare = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = modulus.len() * 8 - spare;
    if !MODULUS_BITS.contains(&bits) {
        let (min, max) = (MODULUS_BITS.start(), MODULUS_BITS.end());
        return Some(format!("`n` has {bits} bits; {min} to {max} are taken"));
    }
    let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if exponent.len() > EXPONENT_LEN_MAX || value < EXPONENT_MIN || value.is_multiple_of(2) {
        return Some(format!("`e` is odd, at least {EXPONENT_MIN} and at most 4 bytes"));
    }
    if modulus.last().is_some_and(|last| last.is_multiple_of(2)) {
        return Some("`n` is even".to_owned());
    }
    is_roca(modulus).then(|| "`n` was made by a chip whose keys can be factored (ROCA)".to_owned())
}

/// Whether a modulus has the mark of CVE-2017-15361: modulo every small prime it is a power of
/// 65537. Another key has it by chance about once in 2^27.
fn is_roca(modulus: &[u8]) -> bool {
    let primes = (3_u32..168).filter(|n| (2..*n).all(|divisor| n % divisor != 0));
    primes.into_iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1 % prime;
        for _ in 0..prime {
            if power == rest {
                return true;
            }
            power = power * (65_537 % prime) % prime;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of so many bits with all of them set: odd and no ROCA key.
    fn ones(bits: usize) -> Vec<u8> {
        let mut number = vec![0xff; bits.div_ceil(8)];
        if !bits.is_multiple_of(8) {
            number[0] = (1 << (bits % 8)) - 1;
        }
        number
    }

    #[test]
    fn sizes_and_exponents_are_bounded() {
        assert_eq!(fault(&ones(2048), &[1, 0, 1]), None);
        assert_eq!(fault(&ones(8192), &[0xff, 0xff, 0xff, 0xff]), None);
        let mut even = ones(2048);
        even[255] = 0xfe;
        for (modulus, exponent) in [
            (ones(2047), vec![1, 0, 1]),
            (ones(1024), vec![1, 0, 1]),
            (ones(8193), vec![1, 0, 1]),
            (ones(2048), vec![1]),
            (ones(2048), vec![3]),
            (ones(2048), vec![1, 0, 0]),
            (ones(2048), vec![0, 1, 0, 1]),
            (ones(2048), vec![1, 0, 0, 0, 1]),
            (ones(2048), vec![]),
            (vec![], vec![1, 0, 1]),
            ([vec![0], ones(2048)].concat(), vec![1, 0, 1]),
            (even, vec![1, 0, 1]),
        ] {
            assert!(fault(&modulus, &exponent).is_some(), "{} {exponent:?}", modulus.len());
        }
    }

    #[test]
    fn powers_of_the_generator_are_roca_keys() {
        // 1 is a power of everything, and 2^n - 1 is none modulo most primes.
        assert!(is_roca(&[1]));
        assert!(!is_roca(&ones(2048)));
    }
}
