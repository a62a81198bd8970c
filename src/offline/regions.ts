/** Countries and states that people write after a city. In "Rome, Italy and Oslo" the comma does not make a list. */
const REGIONS = new Set(
  (
    'afghanistan|albania|algeria|angola|argentina|armenia|australia|austria|azerbaijan|bahrain|bangladesh|belarus|' +
    'belgium|bolivia|brazil|bulgaria|cambodia|cameroon|canada|chile|china|colombia|costa rica|croatia|cuba|cyprus|' +
    'czech republic|czechia|denmark|ecuador|egypt|england|estonia|ethiopia|finland|france|georgia|germany|ghana|' +
    'greece|guatemala|hungary|iceland|india|indonesia|iran|iraq|ireland|israel|italy|jamaica|japan|jordan|' +
    'kazakhstan|kenya|kuwait|latvia|lebanon|libya|lithuania|luxembourg|malaysia|malta|mexico|moldova|mongolia|' +
    'montenegro|morocco|myanmar|nepal|netherlands|new zealand|nicaragua|nigeria|north macedonia|northern ireland|' +
    'norway|oman|pakistan|panama|paraguay|peru|philippines|poland|portugal|qatar|romania|russia|saudi arabia|' +
    'scotland|senegal|serbia|singapore|slovakia|slovenia|south africa|south korea|spain|sri lanka|sudan|sweden|' +
    'switzerland|syria|taiwan|tanzania|thailand|tunisia|turkey|uganda|ukraine|united arab emirates|' +
    'united kingdom|united states|uruguay|uzbekistan|venezuela|vietnam|wales|yemen|zambia|zimbabwe|' +
    'alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|hawaii|idaho|illinois|' +
    'indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri|' +
    'montana|nebraska|nevada|new hampshire|new jersey|new mexico|north carolina|north dakota|ohio|oklahoma|oregon|' +
    'pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|west virginia|' +
    'wisconsin|wyoming|alberta|british columbia|manitoba|nova scotia|ontario|quebec|new south wales|queensland|' +
    'tasmania|bavaria|saxony|tuscany|sicily|catalonia'
  ).split('|'),
)

/** Whether a name is a region that can follow a city: one of the known, or a code such as `CA` or `USA`. */
export function isRegion(name: string): boolean {
  return isRegionCode(name) || REGIONS.has(name.toLowerCase())
}

/** Whether a name is a code in capitals: `CA`, `UK`, `U.S.`, `USA`. */
export function isRegionCode(name: string): boolean {
  return /^(?:[A-Z]{2,3}|(?:[A-Z]\.){2,3})$/.test(name)
}
