//! One SHA-512 block in each of eight lanes (AVX-512) or four (AVX2).
//!
//! Invariant: unsafe is here for two things only: loads and stores of whole arrays, and calls of
//! functions whose instructions the processor was just asked for.
#![expect(unsafe_code, reason = "vector instructions, behind a check of the processor")]
#![expect(clippy::indexing_slicing, reason = "arrays of 16, indexes modulo 16")]

use super::lanes::{State, Words, hash_all};
use crate::types::RecordHash;

/// Hashes all messages if the processor has the instructions; `false` if it has not.
pub(super) fn hash_side_by_side(
    messages: &[&[u8]],
    each: &mut dyn FnMut(usize, RecordHash),
) -> bool {
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        hash_all(messages, each, |state, words| unsafe { compress_eight(state, words) });
    } else if std::arch::is_x86_feature_detected!("avx2") {
        hash_four(messages, each);
    } else {
        return false;
    }
    true
}

/// The same with four lanes; only where the processor has AVX2.
pub(super) fn hash_four(messages: &[&[u8]], each: &mut dyn FnMut(usize, RecordHash)) {
    assert!(std::arch::is_x86_feature_detected!("avx2"), "four lanes need AVX2");
    // SAFETY: the processor has AVX2.
    hash_all(messages, each, |state, words| unsafe { compress_four(state, words) });
}

/// Round constants (FIPS 180-4, 4.2.3).
#[rustfmt::skip]
const ROUND: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

/// The compression function (FIPS 180-4, 6.4.2) on vectors with the operations of a module.
macro_rules! compress {
    ($name:ident, $feature:literal, $lanes:literal, $vector:ident) => {
        #[target_feature(enable = $feature)]
        fn $name(state: &mut State<$lanes>, words: &Words<$lanes>) {
            use $vector as v;
            let mut w = [v::splat(0); 16];
            w.iter_mut().zip(words).for_each(|(to, from)| *to = v::load(from));
            let mut start = [v::splat(0); 8];
            start.iter_mut().zip(state.iter()).for_each(|(to, from)| *to = v::load(from));
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = start;
            for (turn, constants) in ROUND.as_chunks::<16>().0.iter().enumerate() {
                for j in 0..16 {
                    if turn > 0 {
                        let (x, y) = (w[(j + 1) % 16], w[(j + 14) % 16]);
                        let x = v::xor3(v::ror::<1, 63>(x), v::ror::<8, 56>(x), v::shr7(x));
                        let y = v::xor3(v::ror::<19, 45>(y), v::ror::<61, 3>(y), v::shr6(y));
                        w[j] = v::add(v::add(w[j], w[(j + 9) % 16]), v::add(x, y));
                    }
                    let (x, y, z) = (v::ror::<14, 50>(e), v::ror::<18, 46>(e), v::ror::<41, 23>(e));
                    let t = v::add(v::xor3(x, y, z), v::choose(e, f, g));
                    let t = v::add(v::add(h, v::add(w[j], v::splat(constants[j]))), t);
                    let (x, y, z) = (v::ror::<28, 36>(a), v::ror::<34, 30>(a), v::ror::<39, 25>(a));
                    let u = v::add(v::xor3(x, y, z), v::majority(a, b, c));
                    (h, g, f, e) = (g, f, e, v::add(d, t));
                    (d, c, b, a) = (c, b, a, v::add(t, u));
                }
            }
            let end = [a, b, c, d, e, f, g, h];
            for ((to, from), more) in state.iter_mut().zip(start).zip(end) {
                v::store(v::add(from, more), to);
            }
        }
    };
}

compress!(compress_eight, "avx512f", 8, eight);
compress!(compress_four, "avx2", 4, four);

/// Operations on eight words of 64 bits.
mod eight {
    use core::arch::x86_64::*;

    type V = __m512i;

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn splat(x: u64) -> V {
        _mm512_set1_epi64(x.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn load(x: &[u64; 8]) -> V {
        // SAFETY: reads the 64 bytes of the array; no alignment is asked for.
        unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn store(v: V, x: &mut [u64; 8]) {
        // SAFETY: writes the 64 bytes of the array; no alignment is asked for.
        unsafe { _mm512_storeu_si512(x.as_mut_ptr().cast(), v) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn add(a: V, b: V) -> V {
        _mm512_add_epi64(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn xor3(a: V, b: V, c: V) -> V {
        _mm512_ternarylogic_epi64::<0x96>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn choose(a: V, b: V, c: V) -> V {
        _mm512_ternarylogic_epi64::<0xCA>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn majority(a: V, b: V, c: V) -> V {
        _mm512_ternarylogic_epi64::<0xE8>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn ror<const RIGHT: i32, const LEFT: i32>(a: V) -> V {
        _mm512_ror_epi64::<RIGHT>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn shr7(a: V) -> V {
        _mm512_srli_epi64::<7>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn shr6(a: V) -> V {
        _mm512_srli_epi64::<6>(a)
    }
}

/// Operations on four words of 64 bits.
mod four {
    use core::arch::x86_64::*;

    type V = __m256i;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn splat(x: u64) -> V {
        _mm256_set1_epi64x(x.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn load(x: &[u64; 4]) -> V {
        // SAFETY: reads the 32 bytes of the array; no alignment is asked for.
        unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn store(v: V, x: &mut [u64; 4]) {
        // SAFETY: writes the 32 bytes of the array; no alignment is asked for.
        unsafe { _mm256_storeu_si256(x.as_mut_ptr().cast(), v) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn add(a: V, b: V) -> V {
        _mm256_add_epi64(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn xor3(a: V, b: V, c: V) -> V {
        _mm256_xor_si256(_mm256_xor_si256(a, b), c)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn choose(a: V, b: V, c: V) -> V {
        _mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(b, c), a), c)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn majority(a: V, b: V, c: V) -> V {
        let either = _mm256_or_si256(a, b);
        _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(either, c))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn ror<const RIGHT: i32, const LEFT: i32>(a: V) -> V {
        _mm256_or_si256(_mm256_srli_epi64::<RIGHT>(a), _mm256_slli_epi64::<LEFT>(a))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn shr7(a: V) -> V {
        _mm256_srli_epi64::<7>(a)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn shr6(a: V) -> V {
        _mm256_srli_epi64::<6>(a)
    }
}
