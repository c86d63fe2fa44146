// Rediscovers Kepler's third law, T = √(a³/M), from noisy measurements that the script makes up: periods T in years of
// planets at distances a (in astronomical units) around stars of masses M (in solar masses).
import { Dataset, discover } from 'kanode'

// Numbers that look random and are the same in every run (Weyl's sequence), and normal ones of them (Box and Muller).
const even = (row, root) => ((row + 1) * Math.sqrt(root)) % 1
const normal = row => Math.sqrt(-2 * Math.log(1 - even(row, 11))) * Math.cos(2 * Math.PI * even(row, 13))

const rows = 500
const x = Array.from({ length: rows }, (_, row) => [0.3 + 5 * even(row, 2), 0.2 + 2 * even(row, 3)])
const y = x.map(([a, M], row) => Math.sqrt(a ** 3 / M) * (1 + 0.01 * normal(row)))
const planets = new Dataset({ x, y, featureNames: ['a', 'M'], targetNames: ['T'] })

const result = await discover(planets, { validation: 0.2 })
console.log(result)

const best = result.best()
console.log(`\nT = ${best.formula.print('text', { digits: 4 })}`)
console.log(`Error on rows it has not seen: ${best.validationError.toFixed(3)} years`)
const earth = best.formula.evaluate([1, 1])
console.log(`The Earth's year: ${earth.toFixed(3)} years`)
