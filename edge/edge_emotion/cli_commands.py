"""The commands beside recognising: devices, models, bench."""

import argparse
import json

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.network_file import AUTO
from edge_emotion.settings import SENSES, BenchSettings
from edge_emotion.spiking_contract import FACE_VOICE


def devices_command(options: argparse.Namespace) -> int:
    """List the cameras, the inertial sensors where there are any, and the microphones."""
    from edge_emotion.sources.camera_list import list_cameras
    from edge_emotion.sources.iio_device import list_devices
    from edge_emotion.sources.microphone import input_devices

    sensors = [sensor for sensor in list_devices() if sensor.acceleration]
    if sensors:
        print("--imu        inertial sensor")
    for sensor in sensors:
        print(f"{sensor.id:<11}  {sensor.name}")
    if sensors:
        print()
    cameras = list_cameras()
    if cameras:
        print("--camera  camera")
    for camera in cameras:
        note = f" ({camera.note})" if camera.note else ""
        print(f"{camera.device:<8}  {camera.name} [{camera.backend}]{note}")
    microphones = input_devices()  # after the cameras are told: it fails where PortAudio is missing
    if not cameras and not microphones and not sensors:
        raise EdgeEmotionError(
            "no camera and no microphone found; plug one in (`ls /dev/video*` and `arecord -l` show what Linux sees)"
        )
    print("" if cameras else "no camera found\n")
    print("--mic  channels  rate Hz  microphone" if microphones else "no microphone found")
    for device in microphones:
        mark = " (default)" if device.default else ""
        name = f"{device.name} [{device.host}]{mark}"
        print(f"{device.number:<5}  {device.channels:8}  {device.rate:7}  {name}")
    return 0


def replay_command(options: argparse.Namespace) -> int:
    """Send a file of motion as a suit or a tracker would."""
    import sys

    from edge_emotion.replay import ReplaySettings, sending
    from edge_emotion.sources.motion_file import MotionFile, MotionFileSettings

    settings = ReplaySettings(options.to, options.host, options.port, options.speed, options.loop)
    source = MotionFile(MotionFileSettings(options.file))
    poses = list(source)
    for warning in source.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    seconds = poses[-1].time / settings.speed
    print(f"sending {len(poses)} poses, {seconds:.1f} s, to {settings.host}:{settings.port_sent_to} as {settings.to}; "
          "Ctrl-C ends it", file=sys.stderr)  # fmt: skip
    sent = 0
    try:
        for sent in sending(poses, settings):  # noqa: B007 - the last one counts
            pass
    finally:
        print(f"sent {sent} poses", file=sys.stderr)
    return 0


def models_command(options: argparse.Namespace) -> int:
    """List the models, or show one's card."""
    from edge_emotion.bundle import read_bundle, shipped_bundles

    if options.model is None:
        names = shipped_bundles()
        if not names:
            raise EdgeEmotionError("no model is shipped with this install; give a .emo file: models PATH")
        for name in names:
            bundle = read_bundle(name)
            networks = ", ".join(f"{n.engine} {n.precision}" for n in bundle.networks)
            print(f"{name}: {bundle.modality}, {bundle.size / 1e3:.0f} kB, {networks}")
        return 0
    bundle = read_bundle(options.model)
    window = bundle.window
    print(f"name         {bundle.name}")
    print(f"modality     {bundle.modality}")
    print(f"size         {bundle.size / 1e3:.0f} kB")
    print(f"labels       {', '.join(f'{label} -> {bundle.label_map[label]}' for label in bundle.labels)}")
    print(
        f"window       {window.nodes} nodes of {window.period:g} s = {window.nodes * window.period:.2f} s, "
        f"an estimate each {window.hop * window.period:.2f} s"
    )
    print(f"features     {window.feature_set} version {window.feature_version}, {window.features} a node")
    if bundle.spiking is not None:
        seen = bundle.spiking
        print(
            f"spiking      {seen.face_across**2} windows of {seen.face_side} x {seen.face_side} over the face, "
            f"{seen.sound_count} of {seen.sound_side} x {seen.sound_side} over the sound"
        )
    print(f"temperature  {bundle.temperature:.3f}")
    for network in bundle.networks:
        print(f"network      {network.engine} {network.precision}, sha256 {network.sha256}")
    for network in bundle.spiking.networks if bundle.spiking else ():
        print(f"             {network.engine} {network.precision} (spiking), sha256 {network.sha256}")
    for key in ("architecture", "parameters", "date", "commit"):  # the card says the rest in sentences
        if key in bundle.about:
            print(f"{key:<12} {bundle.about[key]}")
    print(f"\n{bundle.card}")
    return 0


def bench_command(options: argparse.Namespace) -> int:
    """Measure the paths of both senses, of the one that is asked for, or of one model for both; report."""
    from edge_emotion.bench import bench
    from edge_emotion.bench_networks import installed_engines
    from edge_emotion.bench_report import markdown, plain, write_result
    from edge_emotion.bundle import modality_of, read_bundle

    senses = tuple(
        sense for sense in SENSES if not (options.voice or options.face) or getattr(options, sense)
    )
    engines = installed_engines() if options.engine is None else (options.engine,)
    if options.model is not None and modality_of(options.model) == FACE_VOICE:
        _check_one_for_both(options)
        senses, engines = (FACE_VOICE,), (read_bundle(options.model).engine_taken(options.engine or AUTO),)
    settings = BenchSettings(
        senses=senses,
        model=options.model or (BenchSettings.model if "voice" in senses else None),
        face_model=options.face_model or (BenchSettings.face_model if "face" in senses else None),
        engines=engines,
        precision=options.precision,
        threads=options.threads,
        seconds=options.seconds,
        compare=tuple(options.compare),
    )
    result = bench(settings)
    if options.out is not None:
        result["stamp"]["command"] += f" --out {options.out}"
        write_result(result, options.out)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(markdown(result) if options.markdown else plain(result))
    return 0


def _check_one_for_both(options: argparse.Namespace) -> None:
    """EdgeEmotionError for flags that do not go with one model for face and voice."""
    given = {"--voice": options.voice, "--face": options.face, "--face-model": options.face_model}
    for flag, value in {**given, "--compare": options.compare}.items():
        if value:
            raise EdgeEmotionError(
                f"{flag} does not go with --model {options.model}, which judges a face and a voice as one: leave it out"
            )
