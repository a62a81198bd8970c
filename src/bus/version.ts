/** The version of this package, as journals name it; a test holds it to package.json. */
export const BUSLINE_VERSION = '0.1.0'
