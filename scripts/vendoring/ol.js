// What of OpenLayers the site uses: to show areas, choose them by click, draw a polygon or a circle, and change it.
// Only canvas: nothing of WebGL, tiles or rasters. The names are the library's own.
export { default as Feature } from "ol/Feature.js";
export { default as Map } from "ol/Map.js";
export { default as View } from "ol/View.js";
export { default as Zoom } from "ol/control/Zoom.js";
export { default as GeoJSON } from "ol/format/GeoJSON.js";
export { default as Circle } from "ol/geom/Circle.js";
export { default as Polygon, circular, fromCircle } from "ol/geom/Polygon.js";
export { default as Draw } from "ol/interaction/Draw.js";
export { default as Modify } from "ol/interaction/Modify.js";
export { default as Select } from "ol/interaction/Select.js";
export { defaults as defaultInteractions } from "ol/interaction/defaults.js";
export { default as VectorLayer } from "ol/layer/Vector.js";
export { fromLonLat, toLonLat } from "ol/proj.js";
export { default as VectorSource } from "ol/source/Vector.js";
export { getArea, getDistance } from "ol/sphere.js";
export { default as CircleStyle } from "ol/style/Circle.js";
export { default as Fill } from "ol/style/Fill.js";
export { default as Stroke } from "ol/style/Stroke.js";
export { default as Style } from "ol/style/Style.js";
