use saga_runtime::prelude::*;

const PLACEHOLDER: SagaId = SagaId(0);
const ZERO: SagaId = SagaId::new(0).expect("an id");

fn main() {}
