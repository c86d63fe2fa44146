/**
 * The package, or the error in which loading it ended, for the entry that `import` finds. That entry can't simply
 * import the package: on Node 20 an error in an imported CommonJS module can't be caught, since it is thrown once
 * more, with nobody listening. Nor can it `createRequire`: bundlers don't follow that.
 */

type Package = typeof import('./index.js')

function attempt(): { readonly kanode: Package } | { readonly error: unknown } {
  try {
    return { kanode: require('./index.js') as Package }
  } catch (error) {
    return { error }
  }
}

export = attempt()
