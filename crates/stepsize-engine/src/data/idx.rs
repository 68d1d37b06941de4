//! IDX files, the format of MNIST: two zero bytes, a type code, the number of dimensions, the sizes
//! as big-endian 32-bit numbers, then the values. Only unsigned bytes (type 8) are read. Plain or
//! gzip.

use super::prepare::images;
use super::{Dataset, Split, file};
use std::path::{Path, PathBuf};
use stepsize::{Error, Result};

/// Where the labels of `images` usually lie: `train-images-idx3-ubyte.gz` has
/// `train-labels-idx1-ubyte.gz`.
pub(super) fn labels_beside(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    if labels == name {
        return Err(Error::invalid(format!(
            "cannot tell where the labels of '{}' are: name the files like train-images-idx3-ubyte and train-labels-idx1-ubyte",
            images.display()
        )));
    }
    Ok(images.with_file_name(labels))
}

/// Reads images and their labels.
pub(super) fn read(image_path: &Path, label_path: &Path, split: Split) -> Result<Dataset> {
    let (shape, pixels) = parse(&file::bytes(image_path)?, image_path)?;
    let (label_shape, labels) = parse(&file::bytes(label_path)?, label_path)?;
    let (&[count, height, width], &[label_count]) = (shape.as_slice(), label_shape.as_slice()) else {
        return Err(Error::invalid(format!(
            "'{}' has the shape {shape:?} and '{}' {label_shape:?}; expected count x height x width, and count",
            image_path.display(),
            label_path.display()
        )));
    };
    if count != label_count {
        return Err(Error::invalid(format!(
            "'{}' holds {count} images but '{}' {label_count} labels",
            image_path.display(),
            label_path.display()
        )));
    }
    let pixels = pixels.iter().map(|v| f32::from(*v)).collect();
    images(pixels, [height, width], labels.iter().map(|v| u32::from(*v)).collect(), split)
}

/// Shape and values.
fn parse(bytes: &[u8], path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let fault =
        |what: String| Error::invalid(format!("'{}' is not an IDX file of unsigned bytes: {what}", path.display()));
    let &[0, 0, kind, dimensions, ref rest @ ..] = bytes else {
        return Err(fault("it does not begin with two zero bytes".to_owned()));
    };
    if kind != 8 {
        return Err(fault(format!("its type code is {kind}, not 8")));
    }
    let Some((sizes, values)) = rest.split_at_checked(4 * usize::from(dimensions)) else {
        return Err(fault("it ends within its head".to_owned()));
    };
    let size = |b: &[u8]| b.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    let shape: Vec<usize> = sizes.chunks_exact(4).map(size).collect();
    let expected = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
    if expected != Some(values.len()) || values.is_empty() {
        return Err(fault(format!("its shape is {shape:?} but it holds {} values", values.len())));
    }
    Ok((shape, values.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_files_are_errors() {
        let fault = |bytes: &[u8]| parse(bytes, Path::new("f")).unwrap_err().to_string();
        assert!(fault(b"PK").contains("two zero bytes"));
        assert!(fault(&[0, 0, 13, 1, 0, 0, 0, 1, 0]).contains("type code is 13"));
        assert!(fault(&[0, 0, 8, 3, 0, 0]).contains("within its head"));
        assert!(fault(&[0, 0, 8, 1, 0, 0, 0, 2, 7]).contains("holds 1 values"));
        assert!(fault(&[0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255]).contains("holds 0 values"));
        assert_eq!(parse(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], Path::new("f")).unwrap(), (vec![2], vec![7, 9]));
    }

    #[test]
    fn finds_the_labels() {
        let labels = labels_beside(Path::new("d/train-images-idx3-ubyte.gz")).unwrap();
        assert_eq!(labels, Path::new("d/train-labels-idx1-ubyte.gz"));
        assert!(labels_beside(Path::new("d/idx")).is_err());
    }
}
