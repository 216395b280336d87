//! The inverse of a matrix from nothing.

/// Pivots smaller than this are errors of rounding.
pub(super) const LEAST_PIVOT: f64 = 1e-8;

/// The inverse by elimination with the largest pivot of each column; `None` where there is none.
pub(super) fn invert(mut matrix: Vec<f64>, m: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; m * m];
    (0..m).for_each(|i| inverse[i * m + i] = 1.0);
    for c in 0..m {
        let largest = (c..m).max_by(|&a, &b| matrix[a * m + c].abs().total_cmp(&matrix[b * m + c].abs()))?;
        if matrix[largest * m + c].abs() <= LEAST_PIVOT {
            return None;
        }
        if largest != c {
            for k in 0..m {
                matrix.swap(largest * m + k, c * m + k);
                inverse.swap(largest * m + k, c * m + k);
            }
        }
        let pivot = matrix[c * m + c];
        for values in [&mut matrix, &mut inverse] {
            values[c * m..(c + 1) * m].iter_mut().for_each(|value| *value /= pivot);
        }
        let (matrix_row, inverse_row) =
            (matrix[c * m..(c + 1) * m].to_vec(), inverse[c * m..(c + 1) * m].to_vec());
        for i in (0..m).filter(|&i| i != c) {
            let factor = matrix[i * m + c];
            if factor == 0.0 {
                continue;
            }
            for (values, row) in [(&mut matrix, &matrix_row), (&mut inverse, &inverse_row)] {
                for (value, p) in values[i * m..(i + 1) * m].iter_mut().zip(row) {
                    *value -= factor * p;
                }
            }
        }
    }
    Some(inverse)
}
