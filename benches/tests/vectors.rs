//! The decision core against the golden vectors of the design.

use benches::vectors::compared;

#[test]
fn every_formula_gives_what_the_reference_of_the_design_gave() {
    let compared = compared();
    assert_eq!(compared.off, [""; 0]);
    assert!(compared.figures > 800, "{}", compared.figures);
}
