// The version of weft, the same for all its parts; the package.json at the top must say the same (a test checks).

/** Semantic version. */
export const version = '0.1.0';
