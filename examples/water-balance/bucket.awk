# A bucket model of soil water, run over many resampled years of daily weather.
#
# Rain fills a bucket of `capacity` mm; what does not fit runs off. Snow (days below
# 0 °C) is stored and melts by 3 mm per degree and day. Plants and sun take water in
# proportion to the day's warmth (`loss`, mm per degree). A day with less than a
# tenth of the capacity left is dry. Months are drawn from the observed years, so
# each `years` of weather is new but has a real climate (a block bootstrap).
#
# Input: CSV with date, precipitation, temp_max, temp_min. Output: one line,
# "rain runoff dry_days days", summed over all years.

BEGIN { FS = "," }
NR > 1 {
  month = substr($1, 6, 2) + 0
  year = substr($1, 1, 4)
  if (year != last) { last = year; years_seen++ }
  n = ++length_of[years_seen, month]
  rain_on[years_seen, month, n] = $2
  mean_on[years_seen, month, n] = ($3 + $4) / 2
}
function draw(below) {                       # a linear congruential generator: the same everywhere
  seed = (seed * 16807) % 2147483647
  return int(seed / 2147483647 * below)
}
END {
  water = capacity / 2
  for (y = 0; y < years; y++) {
    for (month = 1; month <= 12; month++) {
      from = 1 + draw(years_seen)
      for (d = 1; d <= length_of[from, month]; d++) {
        rain = rain_on[from, month, d]
        mean = mean_on[from, month, d]
        days++
        total += rain
        if (mean < 0) { snow += rain; rain = 0 }
        else if (snow > 0) {
          melt = 3 * mean
          if (melt > snow) melt = snow
          snow -= melt
          rain += melt
        }
        water += rain
        if (mean > 0) water -= loss * mean
        if (water < 0) water = 0
        if (water > capacity) { runoff += water - capacity; water = capacity }
        if (water < capacity / 10) dry++
      }
    }
  }
  printf "%.1f %.1f %d %d\n", total, runoff, dry, days
}
