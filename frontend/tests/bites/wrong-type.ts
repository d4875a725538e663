// This file must not pass the check: it proves that the check reports anything at all.
export const count: number = "one";
