// Refuses a Node.js older than package.json's `engines` in one line. Plain ES5 and CommonJS on purpose: an old
// Node.js must be able to read this file, although it could not read the scripts that run after it.
'use strict'

var wanted = require('../package.json').engines.node.replace('>=', '')
var found = process.versions.node
var needed = 'kanode needs Node.js ' + wanted + ' or later, found ' + found

function isOlder(a, b) {
  var x = a.split('.')
  var y = b.split('.')
  var i
  for (i = 0; i < y.length; i += 1) {
    if (Number(x[i]) !== Number(y[i])) return Number(x[i]) < Number(y[i])
  }
  return false
}

if (isOlder(found, wanted)) {
  console.error(needed + ': install a current one from https://nodejs.org')
  process.exit(1)
}
