// The bill of materials of the libraries, in CycloneDX: every crate that is linked into one of them, with its licence
// and the hash of its archive in Cargo.lock.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../processes.mjs'
import { bundledCrates } from './licenses.mjs'

/** The hash of each crate's archive, by name and version. */
function checksums() {
  const lock = readFileSync(path.join(root, 'Cargo.lock'), 'utf8')
  const entries = lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]+)"/g)
  return new Map([...entries].map(([, name, version, sum]) => [`${name} ${version}`, sum]))
}

/** The bill of materials of one version. It has no time and no random serial number: the same sources, the same bill. */
export function billOfMaterials(version) {
  const sums = checksums()
  const components = bundledCrates().map(({ name, version, license }) => {
    const purl = `pkg:cargo/${name}@${version}`
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      licenses: [{ expression: license.replaceAll('/', ' OR ') }],
      hashes: [{ alg: 'SHA-256', content: sums.get(`${name} ${version}`) }],
    }
  })
  const purl = `pkg:npm/kanode@${version}`
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: { type: 'library', 'bom-ref': purl, name: 'kanode', version, purl, licenses: [{ expression: 'MIT' }] },
    },
    components,
    dependencies: [{ ref: purl, dependsOn: components.map(component => component['bom-ref']) }],
  }
}
